//! A freeze and those who write at the same moment, on whatever server.

use crate::contract::{claim, id, name};
use crate::servers::Server;
use claim_store::{ClaimStore, Freeze, StoreError};
use claims::{Gone, Tombstone};
use futures::future::join_all;
use std::collections::BTreeSet;

fn freeze(environments: &[&str]) -> Freeze {
    Freeze {
        by: "the destroy of platform acme".into(),
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        environments: environments.iter().map(|one| (*one).to_owned()).collect(),
        lifted: None,
    }
}

/// What a frozen store refuses, and what it lets through.
async fn nothing_new_is_written_until_it_is_lifted(server: Server) {
    let store = server.store();
    let place = store.put_new(&claim("dev-old", "ann"), id()).await.unwrap();
    assert_eq!(store.frozen().await.unwrap(), None);
    let wanted = freeze(&["dev-old"]);
    assert_eq!(store.freeze(&wanted, id()).await.unwrap(), wanted);

    let refused = store.put_new(&claim("dev-new", "bob"), id()).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, StoreError::Frozen { .. }) && refused.to_string().contains("acme"),
        "{refused}"
    );
    let refused = store.replace(&place, &claim("dev-old", "bob"), id()).await;
    assert!(matches!(refused, Err(StoreError::Frozen { .. })));
    assert_eq!(store.get(&name("dev-new")).await.unwrap(), None);

    // A second drain goes on with the first one's freeze.
    assert_eq!(store.freeze(&freeze(&[]), id()).await.unwrap(), wanted);
    let gone = Tombstone {
        environment_name: name("dev-old"),
        gone: Gone::Expired { at: wanted.since },
    };
    store.withdraw(&place, &gone, id()).await.unwrap();
    let sweep = store.sweep().await.unwrap();
    assert!(
        sweep.claims.is_empty() && sweep.unreadable.is_empty(),
        "the marker is no claim"
    );

    store.thaw(wanted.since, id()).await.unwrap();
    store.thaw(wanted.since, id()).await.unwrap();
    assert_eq!(store.frozen().await.unwrap(), None);
    store.put_new(&claim("dev-new", "bob"), id()).await.unwrap();
    assert_eq!(store.freeze(&freeze(&[]), id()).await.unwrap(), freeze(&[]));
}

/// Sixteen create while a seventeenth freezes: what was accepted is seen by the sweep after the freeze, and what was
/// refused does not stand there in the end.
async fn none_slips_through_between_freeze_and_sweep(server: Server) {
    for round in 0..5 {
        let store = server.store();
        let claims: Vec<_> = (0..16)
            .map(|racer| claim(&format!("dev-{round}-{racer}"), "ann"))
            .collect();
        let stores: Vec<ClaimStore> = claims.iter().map(|_| server.store()).collect();
        let writers = join_all(
            stores
                .iter()
                .zip(&claims)
                .map(|(store, claim)| store.put_new(claim, id())),
        );
        let wanted = freeze(&[]);
        let drain = async {
            store.freeze(&wanted, id()).await.unwrap();
            names(&store).await
        };
        let (results, swept) = futures::future::join(writers, drain).await;
        let standing = names(&store).await;
        for (claim, result) in claims.iter().zip(results) {
            let name = claim.environment_name.to_string();
            match result {
                Ok(_) => assert!(swept.contains(&name), "{name} slipped through"),
                Err(StoreError::Frozen { .. }) => {
                    assert!(!standing.contains(&name), "{name} was refused and stands");
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
        store.thaw(wanted.since, id()).await.unwrap();
    }
}

async fn names(store: &ClaimStore) -> BTreeSet<String> {
    let sweep = store.sweep().await.unwrap();
    let claims = sweep.claims.into_iter();
    claims
        .map(|one| one.claim.environment_name.to_string())
        .collect()
}

macro_rules! on_both {
    ($($check:ident),+) => {
        mod on_minio {
            $(#[tokio::test]
            async fn $check() {
                super::$check(crate::servers::Server::minio().await).await;
            })+
        }
        mod on_versitygw {
            $(#[tokio::test]
            async fn $check() {
                super::$check(crate::servers::Server::versitygw().await).await;
            })+
        }
    };
}

on_both!(
    nothing_new_is_written_until_it_is_lifted,
    none_slips_through_between_freeze_and_sweep
);
