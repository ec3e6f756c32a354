//! Keys come, go, and cannot be had.

use super::super::IdentityError;
use super::issuer::{Issuer, NOW, Signer, at, is_refused, with};
use axum::http::StatusCode;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_key_that_signs_with_another_algorithm_is_not_the_key() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    let mut declared = signer.public.clone();
    declared["alg"] = json!("ES384");
    *issuer.keys.lock().unwrap() = vec![
        declared,
        json!({"kty": "oct", "kid": "one", "k": "c2VjcmV0"}),
        json!({"kty": "new kind"}),
    ];
    assert!(is_refused(
        &issuer
            .verifier()
            .verify_at(&signer.sign(&issuer.claims()), at(0))
            .await
    ));
    let mut encryption = signer.public.clone();
    encryption["use"] = json!("enc");
    *issuer.keys.lock().unwrap() = vec![encryption];
    let answer = issuer
        .verifier()
        .verify_at(&signer.sign(&issuer.claims()), at(0))
        .await;
    assert!(
        matches!(answer, Err(IdentityError::IssuerDown { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_new_key_is_found_and_nonsense_does_not_make_us_ask_for_each_token() {
    let (issuer, old, new) = (
        Issuer::start().await,
        Signer::new("old"),
        Signer::new("new"),
    );
    issuer.publish(&[&old]);
    let verifier = issuer.verifier();
    assert!(
        verifier
            .verify_at(&old.sign(&issuer.claims()), at(0))
            .await
            .is_ok()
    );
    assert_eq!(issuer.asked(), 1);

    issuer.publish(&[&new]);
    assert!(
        verifier
            .verify_at(&new.sign(&issuer.claims()), at(20))
            .await
            .is_ok()
    );
    assert_eq!(issuer.asked(), 2);
    assert!(
        is_refused(
            &verifier
                .verify_at(&old.sign(&issuer.claims()), at(40))
                .await
        ),
        "a withdrawn key counts no more"
    );

    let asked = issuer.asked();
    let thief = Signer::new("made up");
    for _ in 0..50 {
        assert!(is_refused(
            &verifier
                .verify_at(&thief.sign(&issuer.claims()), at(41))
                .await
        ));
    }
    assert_eq!(issuer.asked(), asked);
}

#[tokio::test]
async fn many_who_come_at_once_make_us_ask_once() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = Arc::new(issuer.verifier());
    let token = signer.sign(&issuer.claims());
    let all = (0..20).map(|_| {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { verifier.verify_at(&token, at(0)).await })
    });
    for one in futures::future::join_all(all).await {
        assert!(one.unwrap().is_ok());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn kept_keys_serve_while_the_issuer_is_down_and_then_it_is_our_failure() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    let lasting = signer.sign(&with(issuer.claims(), "exp", json!(NOW + 100_000)));
    assert!(verifier.verify_at(&lasting, at(0)).await.is_ok());

    issuer.down.store(true, Ordering::SeqCst);
    assert!(verifier.verify_at(&lasting, at(3_599)).await.is_ok());
    let answer = verifier
        .verify_at(&lasting, at(3_620))
        .await
        .expect_err("too old");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    let unknown = Signer::new("two").sign(&issuer.claims());
    let answer = verifier
        .verify_at(&unknown, at(3_621))
        .await
        .expect_err("cannot be told");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{answer}");

    issuer.down.store(false, Ordering::SeqCst);
    assert!(verifier.verify_at(&lasting, at(3_640)).await.is_ok());
}
