//! The store against a real versitygw, another implementation than `MinIO` in every respect.

use crate::contract::{claim, id, name, on_server};
use crate::servers::Server;
use claim_store::{ClaimStore, Promise, Settings, StoreError};

on_server!(Server::versitygw:
    a_claim_lives_and_is_gone,
    one_of_sixteen_creates,
    one_of_sixteen_replaces,
    one_of_sixteen_creates_over_a_tombstone,
    a_stale_update_loses,
    removed_by_hand_then_created,
    a_long_listing_is_whole,
    the_name_inside_counts,
    the_probe_finds_a_fit_server,
    wrong_keys_and_buckets_are_told_apart,
);

/// With versions, this server takes `If-Match` with the `ETag` of an object that was removed: a person's removal would
/// be undone by an update that was late. The probe must see that.
#[tokio::test]
async fn the_probe_refuses_a_server_that_revives() {
    let server = Server::versitygw().await.with_versions().await;
    let refused = server.store().require_safe_writes(id()).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Unfit { ref broken, .. } if *broken == [Promise::NeverRevives]),
        "{refused}"
    );
}

#[tokio::test]
async fn only_the_named_authority_is_trusted() {
    let server = Server::versitygw_with_tls().await;
    let place = server
        .store()
        .put_new(&claim("dev-x", "ann"), id())
        .await
        .unwrap();
    assert_eq!(
        server
            .store()
            .get_key(&place.key)
            .await
            .unwrap()
            .unwrap()
            .place,
        place
    );

    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])
        .unwrap()
        .cert
        .pem();
    let distrustful = ClaimStore::new(&Settings {
        ca_pem: Some(stranger),
        ..server.settings()
    })
    .unwrap();
    let refused = distrustful.get(&name("dev-x")).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Unreachable { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("certificate"), "{refused}");
}
