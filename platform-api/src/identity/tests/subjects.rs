//! What a good token makes of its subject.

use super::super::{IdentityError, Settings};
use super::issuer::{Issuer, NOW, Signer, at, with};
use authz::{AccountKind, Principal, Subject};
use serde_json::{Value, json};

#[tokio::test]
async fn a_person_has_the_teams_and_roles_of_their_groups() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let who = issuer
        .verifier()
        .verify_at(&signer.sign(&issuer.claims()), at(0))
        .await
        .expect("a person");
    assert_eq!(who.to_string(), "user:ada@example.org");
    assert_eq!(who.teams.iter().collect::<Vec<_>>(), ["shop"]);
    assert_eq!(who.roles.iter().collect::<Vec<_>>(), ["platform-admin"]);
    assert_eq!(who.authenticated_at, Some(at(-10)));
}

#[tokio::test]
async fn an_address_that_nobody_vouches_for_is_nobodys() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    for unproved in [json!(false), json!(null), json!("no")] {
        let token = signer.sign(&with(issuer.claims(), "email_verified", unproved));
        let answer = verifier.verify_at(&token, at(0)).await;
        assert!(
            matches!(answer, Err(IdentityError::Unknown { .. })),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_pipeline_is_its_project_and_only_a_protected_branch_counts_as_reviewed() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    let claims = json!({
        "iss": issuer.name(), "aud": "platform", "sub": "project_path:group/environments:ref_type:branch:ref:main",
        "exp": NOW + 300, "iat": NOW, "project_path": "group/environments", "pipeline_id": "9", "ref": "main",
        "ref_type": "branch", "ref_protected": "true", "user_email": "root@example.org",
    });
    let read = async |claims: Value| verifier.verify_at(&signer.sign(&claims), at(0)).await;
    let is_protected = |who: &Principal| match &who.subject {
        Subject::ServiceAccount {
            kind: AccountKind::GitlabCi,
            pipeline: Some(pipeline),
            ..
        } => pipeline.protected,
        other => panic!("{other:?}"),
    };
    let who = read(claims.clone()).await.expect("a pipeline");
    assert_eq!(who.to_string(), "gitlab-ci:group/environments");
    assert!(is_protected(&who) && who.teams.contains("shop"));
    assert!(!is_protected(
        &read(with(claims.clone(), "ref_protected", json!("false")))
            .await
            .unwrap()
    ));
    assert!(!is_protected(
        &read(with(claims.clone(), "ref_type", json!("tag")))
            .await
            .unwrap()
    ));
    let foreign = read(with(claims, "project_path", json!("evil/environments"))).await;
    assert!(
        matches!(foreign, Err(IdentityError::Unknown { .. })),
        "{foreign:?}"
    );
}

#[tokio::test]
async fn a_program_is_what_the_settings_say_of_its_subject() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    let claims = json!({"iss": issuer.name(), "aud": "platform", "exp": NOW + 300, "iat": NOW, "sub": "terraform-shop", "client_id": "terraform-shop"});
    let who = verifier
        .verify_at(&signer.sign(&claims), at(0))
        .await
        .expect("a program");
    assert_eq!(who.to_string(), "terraform:terraform-shop");
    // A person who signed in through the program's client stays a person.
    let person = with(issuer.claims(), "azp", json!("terraform-shop"));
    let who = verifier
        .verify_at(&signer.sign(&person), at(0))
        .await
        .expect("a person");
    assert_eq!(who.to_string(), "user:ada@example.org");
}

#[test]
fn settings_that_would_open_a_door_are_refused() {
    let read = |issuer: Value| serde_json::from_value::<Settings>(json!({"issuers": [issuer]}));
    let good =
        json!({"issuer": "https://id.example.org/", "audiences": ["platform"], "people": {}});
    assert!(read(good.clone()).unwrap().check().is_ok());
    for (name, value) in [
        ("issuer", json!("http://id.example.org/")),
        ("audiences", json!([])),
        ("algorithms", json!([])),
        ("people", json!(null)),
    ] {
        let error = read(with(good.clone(), name, value))
            .unwrap()
            .check()
            .expect_err(name);
        assert!(error.to_string().starts_with("SLW-574"), "{error}");
    }
    for secret in ["HS256", "none"] {
        assert!(
            read(with(good.clone(), "algorithms", json!([secret]))).is_err(),
            "{secret}"
        );
    }
    let kind = json!({"x": {"kind": "gitlab-ci"}});
    assert!(
        read(with(good, "service_accounts", kind)).is_err(),
        "a pipeline proves that it is one"
    );
}
