//! Tokens that are not for us, not for now, or not what they say.

use super::super::IdentityError;
use super::issuer::{Issuer, NOW, Signer, at, is_refused, with};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

#[tokio::test]
async fn a_token_is_for_us_and_for_now_give_or_take_the_leeway() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    let token = signer.sign(&issuer.claims());
    assert!(verifier.verify_at(&token, at(329)).await.is_ok());
    assert!(is_refused(&verifier.verify_at(&token, at(330)).await));
    assert!(verifier.verify_at(&token, at(-40)).await.is_ok());
    assert!(
        is_refused(&verifier.verify_at(&token, at(-41)).await),
        "made in the future"
    );
    let later = signer.sign(&with(issuer.claims(), "nbf", json!(NOW + 100)));
    assert!(is_refused(&verifier.verify_at(&later, at(69)).await));
    assert!(verifier.verify_at(&later, at(70)).await.is_ok());
    for (claim, value) in [
        ("aud", json!("another")),
        ("aud", json!(["another", "third"])),
        ("aud", json!(null)),
        ("exp", json!(null)),
        ("exp", json!("soon")),
        ("iss", json!("https://elsewhere.example.org")),
    ] {
        let token = signer.sign(&with(issuer.claims(), claim, value.clone()));
        assert!(
            is_refused(&verifier.verify_at(&token, at(0)).await),
            "{claim}: {value}"
        );
    }
    let many = signer.sign(&with(
        issuer.claims(),
        "aud",
        json!(["another", "platform"]),
    ));
    assert!(verifier.verify_at(&many, at(0)).await.is_ok());
}

#[tokio::test]
async fn no_signature_but_that_of_a_published_key_counts() {
    let (issuer, signer, thief) = (
        Issuer::start().await,
        Signer::new("one"),
        Signer::new("one"),
    );
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    assert!(is_refused(
        &verifier
            .verify_at(&thief.sign(&issuer.claims()), at(0))
            .await
    ));

    // The body of one token under the signature of another.
    let good = signer.sign(&issuer.claims());
    let other = signer.sign(&with(issuer.claims(), "email", json!("root@example.org")));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (good, other) = (parts(&good), parts(&other));
    let mixed = format!("{}.{}.{}", good[0], other[1], good[2]);
    assert!(is_refused(&verifier.verify_at(&mixed, at(0)).await));

    // Signed with the public key as if it were a shared secret.
    let shared =
        EncodingKey::from_secret(issuer.keys.lock().unwrap()[0].to_string().as_bytes()).unwrap();
    let header = Header {
        kid: Some("one".into()),
        ..Header::new(Algorithm::HS256)
    };
    let confused = encode(&header, &issuer.claims(), &shared).unwrap();
    assert!(is_refused(&verifier.verify_at(&confused, at(0)).await));

    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"one"}"#);
    for bare in [
        format!("{none}.{}.", good[1]),
        format!("{none}.{}", good[1]),
        String::new(),
        "a.b.c".into(),
        "x".repeat(20_000),
    ] {
        let answer = verifier.verify_at(&bare, at(0)).await;
        assert!(
            matches!(answer, Err(IdentityError::Malformed { .. })),
            "{answer:?}"
        );
    }
}
