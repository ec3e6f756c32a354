//! What the store promises, on whatever server. Each check gets a server of its own.

use crate::servers::{SECRET_KEY, Server};
use claim_store::{Absence, ClaimStore, Limits, Place, Settings, StoreError, Winner};
use claims::{Claim, EnvironmentName, Gone, Tombstone};
use futures::future::join_all;
use uuid::Uuid;

pub(crate) fn claim(name: &str, user: &str) -> Claim {
    let json = format!(
        r#"{{"user": "{user}", "environment_pool": "team1", "creation_date": "2024-01-15T10:30:00Z",
            "environment_name": "{name}", "environment_type": "dev", "services": {{"user-service": "v1.2.3"}}}}"#
    );
    Claim::read(json.as_bytes()).unwrap()
}

pub(crate) fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

pub(crate) fn tombstone(of: &str, by: &str) -> Tombstone {
    let at = "2024-01-16T00:00:00Z".parse().unwrap();
    Tombstone {
        environment_name: name(of),
        gone: Gone::Withdrawn { by: by.into(), at },
    }
}

pub(crate) fn id() -> Uuid {
    Uuid::new_v4()
}

async fn create(store: &ClaimStore, name: &str, user: &str) -> Place {
    store.put_new(&claim(name, user), id()).await.unwrap()
}

/// A claim's whole life, and the bytes in the bucket.
pub(crate) async fn a_claim_lives_and_is_gone(server: Server) {
    let (store, stranger) = (server.store(), server.stranger());
    assert_eq!(store.get(&name("dev-x")).await.unwrap(), None);
    let place = create(&store, "dev-x", "ann").await;
    assert_eq!(place.key, "dev-x.json");
    assert_eq!(
        stranger.read("dev-x.json").await,
        claim("dev-x", "ann").to_json()
    );
    let stored = store.get(&name("dev-x")).await.unwrap().unwrap();
    assert_eq!(
        (&stored.place, &stored.claim),
        (&place, &claim("dev-x", "ann"))
    );

    let place = store
        .replace(&place, &claim("dev-x", "bob"), id())
        .await
        .unwrap();
    assert_eq!(
        store.get(&name("dev-x")).await.unwrap().unwrap().claim.user,
        "bob"
    );

    let gone = tombstone("dev-x", "bob");
    store.withdraw(&place, &gone, id()).await.unwrap();
    assert_eq!(store.get(&name("dev-x")).await.unwrap(), None);
    assert_eq!(store.find(&name("dev-x")).await.unwrap(), None);
    assert_eq!(stranger.read("dev-x.json").await, gone.to_json());
    assert_eq!(stranger.tag("dev-x.json").await, "state=gone");
    let sweep = store.sweep().await.unwrap();
    assert_eq!(
        (sweep.claims, sweep.tombstones),
        (Vec::new(), vec![("dev-x.json".to_owned(), gone)])
    );

    create(&store, "dev-x", "cid").await;
    assert_eq!(
        store.get(&name("dev-x")).await.unwrap().unwrap().claim.user,
        "cid"
    );
    assert_eq!(
        stranger.tag("dev-x.json").await,
        "",
        "a new claim must not inherit the mark of the old one's end"
    );
}

/// Sixteen create one name at the same moment.
pub(crate) async fn one_of_sixteen_creates(server: Server) {
    for round in 0..5 {
        let environment = format!("dev-race-{round}");
        let claims: Vec<Claim> = (0..16)
            .map(|racer| claim(&environment, &format!("racer-{racer}")))
            .collect();
        let stores: Vec<ClaimStore> = claims.iter().map(|_| server.store()).collect();
        let results = join_all(
            stores
                .iter()
                .zip(&claims)
                .map(|(store, claim)| store.put_new(claim, id())),
        )
        .await;
        let there = server
            .store()
            .get(&name(&environment))
            .await
            .unwrap()
            .unwrap();
        for (claim, result) in claims.iter().zip(results) {
            match result {
                Ok(place) => assert_eq!((place, claim), (there.place.clone(), &there.claim)),
                Err(StoreError::Exists {
                    winner: Winner::Claim { user, etag },
                    ..
                }) => {
                    assert_eq!(
                        (user, etag),
                        (there.claim.user.clone(), there.place.etag.clone())
                    );
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// Sixteen replace one state at the same moment; one of them takes the claim back.
pub(crate) async fn one_of_sixteen_replaces(server: Server) {
    let store = server.store();
    for round in 0..5 {
        let environment = format!("dev-race-{round}");
        let before = create(&store, &environment, "first").await;
        let claims: Vec<Claim> = (1..16)
            .map(|racer| claim(&environment, &format!("racer-{racer}")))
            .collect();
        let gone = tombstone(&environment, "the end");
        let replacing = join_all(
            claims
                .iter()
                .map(|claim| store.replace(&before, claim, id())),
        );
        let (replaced, withdrawn) = futures::join!(replacing, store.withdraw(&before, &gone, id()));
        let mut winners = 0;
        for result in replaced.into_iter().chain([withdrawn]) {
            match result {
                Ok(_) => winners += 1,
                Err(StoreError::Lost { key, .. }) => assert_eq!(key, before.key),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(winners, 1, "round {round}");
    }
}

/// Sixteen create over one tombstone at the same moment.
pub(crate) async fn one_of_sixteen_creates_over_a_tombstone(server: Server) {
    let store = server.store();
    let place = create(&store, "dev-x", "first").await;
    store
        .withdraw(&place, &tombstone("dev-x", "first"), id())
        .await
        .unwrap();
    let claims: Vec<Claim> = (0..16)
        .map(|racer| claim("dev-x", &format!("racer-{racer}")))
        .collect();
    let results = join_all(claims.iter().map(|claim| store.put_new(claim, id()))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Ok(_) | Err(StoreError::Exists { .. }))),
        "{results:?}"
    );
}

/// A stale update changes nothing and names the winner.
pub(crate) async fn a_stale_update_loses(server: Server) {
    let (store, stranger) = (server.store(), server.stranger());
    let before = create(&store, "dev-x", "ann").await;
    stranger
        .put("dev-x.json", &claim("dev-x", "bob").to_json())
        .await;

    let lost = store
        .replace(&before, &claim("dev-x", "ann"), id())
        .await
        .unwrap_err();
    assert!(
        lost.to_string().contains("SLW-402") && lost.to_string().contains("claim of bob now"),
        "{lost}"
    );
    let lost = store
        .withdraw(&before, &tombstone("dev-x", "ann"), id())
        .await
        .unwrap_err();
    assert!(
        matches!(
            lost,
            StoreError::Lost {
                winner: Winner::Claim { .. },
                ..
            }
        ),
        "{lost}"
    );
    let now = store.get(&name("dev-x")).await.unwrap().unwrap();
    assert_eq!(now.claim.user, "bob");

    store
        .withdraw(&now.place, &tombstone("dev-x", "bob"), id())
        .await
        .unwrap();
    let lost = store
        .replace(&now.place, &claim("dev-x", "bob"), id())
        .await
        .unwrap_err();
    assert!(lost.to_string().contains("bob withdrew it"), "{lost}");
}

/// What a person removes is gone, is not written over, and may be created anew.
pub(crate) async fn removed_by_hand_then_created(server: Server) {
    let (store, stranger) = (server.store(), server.stranger());
    let before = create(&store, "dev-x", "ann").await;
    assert_eq!(store.absence("dev-x.json").await.unwrap(), Absence::Present);
    stranger.remove("dev-x.json").await;
    assert_eq!(store.get(&name("dev-x")).await.unwrap(), None);
    let removed = if server.versioned {
        Absence::Proved
    } else {
        Absence::Unproved
    };
    assert_eq!(store.absence("dev-x.json").await.unwrap(), removed);
    assert_eq!(
        store.absence("dev-y.json").await.unwrap(),
        Absence::Unproved
    );

    let lost = store
        .replace(&before, &claim("dev-x", "ann"), id())
        .await
        .unwrap_err();
    assert!(
        matches!(
            lost,
            StoreError::Lost {
                winner: Winner::Nothing,
                ..
            }
        ),
        "{lost}"
    );
    create(&store, "dev-x", "bob").await;
    assert_eq!(
        store.get(&name("dev-x")).await.unwrap().unwrap().claim.user,
        "bob"
    );
}

/// A thousand and more objects, over several pages, sorted and without the hidden ones.
pub(crate) async fn a_long_listing_is_whole(server: Server) {
    let stranger = server.stranger();
    let keys: Vec<String> = (0..1100)
        .map(|index| format!("dev-{index:04}.json"))
        .collect();
    for some in keys.chunks(50) {
        join_all(some.iter().map(|key| stranger.put(key, "{}"))).await;
    }
    stranger.put(".platform-id", "acme").await;
    stranger.put("README.md", "read me").await;
    for page in [1000, 97] {
        let limits = Limits {
            page,
            ..Limits::default()
        };
        let store = ClaimStore::new(&Settings {
            limits,
            ..server.settings()
        })
        .unwrap();
        let listed = store.list().await.unwrap();
        assert_eq!(
            listed
                .into_iter()
                .map(|entry| entry.key)
                .collect::<Vec<_>>(),
            keys,
            "pages of {page}"
        );
    }
}

/// The name inside counts, not the key; two objects of one name and a renamed one are refused.
pub(crate) async fn the_name_inside_counts(server: Server) {
    let (store, stranger) = (server.store(), server.stranger());
    stranger
        .put(
            "my-environment-claim.json",
            &claim("dev-x", "ann").to_json(),
        )
        .await;
    stranger
        .put("dev-z.json", &claim("dev-other", "ann").to_json())
        .await;
    stranger
        .put("broken.json", "{\"environment_type\": \"prd\"}")
        .await;

    assert_eq!(store.get(&name("dev-x")).await.unwrap(), None);
    let found = store.find(&name("dev-x")).await.unwrap().unwrap();
    assert_eq!(found.place.key, "my-environment-claim.json");
    let place = store
        .replace(&found.place, &claim("dev-x", "bob"), id())
        .await
        .unwrap();
    assert_eq!(place.key, "my-environment-claim.json");

    let renamed = store.get(&name("dev-z")).await.unwrap_err();
    assert!(matches!(renamed, StoreError::Renamed { .. }), "{renamed}");
    let broken = store.get_key("broken.json").await.unwrap_err();
    assert!(
        broken.to_string().contains("did you mean `prod`?"),
        "{broken}"
    );
    let sweep = store.sweep().await.unwrap();
    assert_eq!((sweep.claims.len(), sweep.unreadable.len()), (2, 1));

    stranger
        .put("copy.json", &claim("dev-x", "cid").to_json())
        .await;
    let doubled = store.find(&name("dev-x")).await.unwrap_err();
    assert!(
        matches!(doubled, StoreError::Doubled { ref keys, .. } if keys.len() == 2),
        "{doubled}"
    );
}

/// The server is fit for claims, and the probe leaves nothing.
pub(crate) async fn the_probe_finds_a_fit_server(server: Server) {
    let abilities = server.store().require_safe_writes(id()).await.unwrap();
    assert!(abilities.broken.is_empty(), "{abilities:?}");
    assert_eq!(abilities.keeps_versions, server.versioned);
    assert_eq!(server.stranger().keys().await, Vec::<String>::new());
}

/// Wrong keys and wrong buckets have their own errors, and none shows a key.
pub(crate) async fn wrong_keys_and_buckets_are_told_apart(server: Server) {
    let wrong_key = Settings {
        secret_key: "canary-wrong".into(),
        ..server.settings()
    };
    let denied = ClaimStore::new(&wrong_key)
        .unwrap()
        .list()
        .await
        .unwrap_err();
    assert!(matches!(denied, StoreError::Denied { .. }), "{denied}");
    let denied_write = ClaimStore::new(&wrong_key)
        .unwrap()
        .put_new(&claim("dev-x", "ann"), id())
        .await
        .unwrap_err();
    assert!(
        matches!(denied_write, StoreError::Denied { .. }),
        "{denied_write}"
    );
    let no_bucket = ClaimStore::new(&Settings {
        bucket: "nowhere".into(),
        ..server.settings()
    })
    .unwrap();
    let missing = no_bucket.get(&name("dev-x")).await.unwrap_err();
    assert!(matches!(missing, StoreError::NoBucket { .. }), "{missing}");
    let missing = no_bucket
        .put_new(&claim("dev-x", "ann"), id())
        .await
        .unwrap_err();
    assert!(matches!(missing, StoreError::NoBucket { .. }), "{missing}");
    for error in [denied, denied_write, missing] {
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("canary") && !shown.contains(SECRET_KEY),
            "{shown}"
        );
    }
}

/// One test per check, each with a server of its own.
macro_rules! on_server {
    ($start:path: $($check:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $check() {
            crate::contract::$check($start().await).await;
        })+
    };
}
pub(crate) use on_server;
