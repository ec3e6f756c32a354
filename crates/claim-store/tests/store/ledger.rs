//! Looking at a bucket again and again: what has changed, and what an object may not do to somebody's environment.

use crate::contract::{claim, id, name, tombstone};
use crate::cut_connection::through;
use crate::line::{Line, Trouble};
use crate::servers::Server;
use claim_store::{Absence, Changes, ClaimStore, Ledger, Refusal, StaticClaims, StoreError};
use futures::{Stream, TryStreamExt as _};
use std::pin::pin;

const PLATFORM: &str = "acme";

/// Each check on both servers, with buckets that keep versions.
macro_rules! on_both {
    ($($check:ident),+ $(,)?) => {
        mod on_minio {
            $(#[tokio::test]
            async fn $check() {
                super::$check(crate::servers::Server::minio().await).await;
            })+
        }

        mod on_versitygw {
            $(#[tokio::test]
            async fn $check() {
                let server = crate::servers::Server::versitygw().await;
                super::$check(server.with_versions().await).await;
            })+
        }
    };
}

on_both!(
    only_what_has_changed_is_told,
    an_environment_is_neither_renamed_nor_taken_over,
    an_absence_without_proof_ends_nothing,
    a_foreign_bucket_changes_nothing,
);

async fn bucket_of(server: &Server, platform: &str) {
    server.stranger().put(".platform-id", platform).await;
}

async fn look(store: &ClaimStore, ledger: &mut Ledger) -> Changes {
    try_look(store.changes(ledger)).await.unwrap()
}

/// All parts of a look together.
async fn try_look(
    parts: impl Stream<Item = Result<Changes, StoreError>>,
) -> Result<Changes, StoreError> {
    let join = |mut all: Changes, part: Changes| async move {
        all.claims.extend(part.claims);
        all.tombstones.extend(part.tombstones);
        all.refused.extend(part.refused);
        all.vanished.extend(part.vanished);
        all.listed += part.listed;
        Ok(all)
    };
    parts.try_fold(Changes::default(), join).await
}

fn names(changes: &Changes) -> Vec<String> {
    let claims = changes.claims.iter();
    claims
        .map(|stored| stored.claim.environment_name.to_string())
        .collect()
}

async fn only_what_has_changed_is_told(server: Server) {
    bucket_of(&server, PLATFORM).await;
    let store = server.store();
    let mut ledger = Ledger::new(PLATFORM);
    let first = store.put_new(&claim("dev-a", "ann"), id()).await.unwrap();
    store.put_new(&claim("dev-b", "ann"), id()).await.unwrap();
    assert_eq!(names(&look(&store, &mut ledger).await), ["dev-a", "dev-b"]);
    let quiet = look(&store, &mut ledger).await;
    assert_eq!(
        quiet,
        Changes {
            listed: 2,
            ..Changes::default()
        }
    );

    let changed = store
        .replace(&first, &claim("dev-a", "bob"), id())
        .await
        .unwrap();
    assert_eq!(names(&look(&store, &mut ledger).await), ["dev-a"]);
    store
        .withdraw(&changed, &tombstone("dev-a", "bob"), id())
        .await
        .unwrap();
    let told = look(&store, &mut ledger).await;
    assert_eq!(told.tombstones.len(), 1);
    assert_eq!(ledger.holder(&name("dev-a")), None);
    assert_eq!(ledger.holder(&name("dev-b")), Some("dev-b.json"));

    // The same through eyes that cannot write.
    let mut other = Ledger::new(PLATFORM);
    let fixed = StaticClaims::new(&server.settings()).unwrap();
    assert_eq!(
        names(&try_look(fixed.changes(&mut other)).await.unwrap()),
        ["dev-b"]
    );
}

async fn an_environment_is_neither_renamed_nor_taken_over(server: Server) {
    bucket_of(&server, PLATFORM).await;
    let (store, stranger) = (server.store(), server.stranger());
    let mut ledger = Ledger::new(PLATFORM);
    // Both new at once: the name's own key wins, although the other one comes first.
    stranger
        .put("a.json", &claim("dev-x", "eve").to_json())
        .await;
    stranger
        .put("dev-x.json", &claim("dev-x", "ann").to_json())
        .await;
    let told = look(&store, &mut ledger).await;
    assert_eq!(told.claims[0].claim.user, "ann");
    let doubled = |told: &Changes| {
        told.refused.iter().any(|refused| {
            refused.place.key == "a.json"
                && matches!(&refused.why, Refusal::Doubled { holder, .. } if holder == "dev-x.json")
        })
    };
    assert!(doubled(&told) && doubled(&look(&store, &mut ledger).await));

    // The object names another environment: the first one keeps its place, the other one is not made.
    stranger
        .put("dev-x.json", &claim("dev-y", "ann").to_json())
        .await;
    let told = look(&store, &mut ledger).await;
    assert_eq!(told.claims, []);
    let renamed = told
        .refused
        .iter()
        .find(|refused| refused.place.key == "dev-x.json")
        .unwrap();
    assert_eq!(renamed.holds, Some(name("dev-x")));
    assert_eq!(renamed.why, Refusal::Renamed { now: name("dev-y") });
    assert_eq!(ledger.holder(&name("dev-y")), None);

    // A tombstone in a second object takes nothing down.
    stranger
        .put("b.json", &tombstone("dev-x", "eve").to_json())
        .await;
    let told = look(&store, &mut ledger).await;
    assert_eq!(told.tombstones, []);
    assert_eq!(ledger.holder(&name("dev-x")), Some("dev-x.json"));

    // An object that nobody can read takes nothing down either.
    stranger.put("dev-x.json", "{").await;
    let told = look(&store, &mut ledger).await;
    assert!(told.refused.iter().any(|refused| {
        refused.holds == Some(name("dev-x")) && matches!(refused.why, Refusal::Unreadable(_))
    }));

    // A memory that was kept over a restart knows the same.
    let kept: Vec<_> = ledger
        .holders()
        .map(|(key, name)| (key.to_owned(), name.clone()))
        .collect();
    stranger
        .put("dev-x.json", &claim("dev-y", "ann").to_json())
        .await;
    let mut anew = Ledger::remembering(PLATFORM, kept);
    assert_eq!(look(&store, &mut anew).await.claims, []);
    assert_eq!(anew.holder(&name("dev-x")), Some("dev-x.json"));
}

async fn an_absence_without_proof_ends_nothing(server: Server) {
    bucket_of(&server, PLATFORM).await;
    let store = server.store();
    let kept = [("dev-x.json".to_owned(), name("dev-x"))];
    let mut ledger = Ledger::remembering(PLATFORM, kept);
    for _ in 0..2 {
        let told = look(&store, &mut ledger).await;
        assert_eq!(told.vanished[0].absence, Absence::Unproved);
        assert_eq!(ledger.holder(&name("dev-x")), Some("dev-x.json"));
    }
    store.put_new(&claim("dev-x", "ann"), id()).await.unwrap();
    let told = look(&store, &mut ledger).await;
    assert_eq!(
        (names(&told), told.vanished),
        (vec!["dev-x".into()], vec![])
    );
}

async fn a_foreign_bucket_changes_nothing(server: Server) {
    let (store, stranger) = (server.store(), server.stranger());
    let mut ledger = Ledger::new(PLATFORM);
    let fresh = try_look(store.changes(&mut ledger)).await.unwrap_err();
    assert!(
        matches!(fresh, StoreError::Foreign { found: None, .. }),
        "{fresh}"
    );
    bucket_of(&server, PLATFORM).await;
    store.put_new(&claim("dev-x", "ann"), id()).await.unwrap();
    look(&store, &mut ledger).await;

    bucket_of(&server, "other").await;
    stranger.remove("dev-x.json").await;
    let foreign = try_look(store.changes(&mut ledger)).await.unwrap_err();
    assert!(foreign.to_string().contains("\"other\""), "{foreign}");
    assert_eq!(ledger.holder(&name("dev-x")), Some("dev-x.json"));
}

#[tokio::test]
async fn a_listing_that_breaks_off_ends_nothing() {
    let server = Server::versitygw().await;
    bucket_of(&server, PLATFORM).await;
    let line = Line::to(&server.endpoint).await;
    let store = through(&line, &server, 3);
    for index in 0..7 {
        let claim = claim(&format!("dev-{index}"), "ann");
        store.put_new(&claim, id()).await.unwrap();
    }
    let mut ledger = Ledger::new(PLATFORM);
    assert_eq!(look(&store, &mut ledger).await.claims.len(), 7);

    server.stranger().remove("dev-0.json").await;
    // Whose bucket it is and the first page come, the rest does not.
    line.always_after("GET", 2, Trouble::CutAnswer);
    let broken = try_look(store.changes(&mut ledger)).await.unwrap_err();
    assert!(
        matches!(broken, StoreError::Incomplete { pages: 1, .. }),
        "{broken}"
    );
    assert_eq!(ledger.holders().count(), 7);
    line.heal();
    let told = look(&store, &mut ledger).await;
    assert_eq!(told.vanished[0].key, "dev-0.json");
    assert_eq!(told.listed, 6);
}

/// A bucket of this platform with that many claims, behind a line.
async fn bucket_with(claims: usize) -> (Server, Line) {
    let server = Server::versitygw().await;
    bucket_of(&server, PLATFORM).await;
    for index in 0..claims {
        let claim = claim(&format!("dev-{index:02}"), "ann");
        server.store().put_new(&claim, id()).await.unwrap();
    }
    let line = Line::to(&server.endpoint).await;
    (server, line)
}

#[tokio::test]
async fn what_waits_in_memory_does_not_grow_with_the_bucket() {
    let (server, line) = bucket_with(38).await;
    let mut ledger = Ledger::new(PLATFORM);
    let whole = through(&line, &server, 1000);
    assert_eq!(look(&whole, &mut ledger).await.claims.len(), 38);
    let most = line.most_open();
    assert!((2..=16).contains(&most), "{most} requests at the same time");

    // A reader that takes its time: no page is asked for before the one before was taken over.
    let paged = through(&line, &server, 5);
    let mut ledger = Ledger::new(PLATFORM);
    let mut parts = pin!(paged.changes(&mut ledger));
    let mut before = line.seen("GET");
    // Whose bucket it is, which is asked once at the beginning.
    before += 1;
    // The object that says whose bucket it is stands on the first page.
    for (page, claims) in [4, 5, 5, 5, 5, 5, 5, 4].into_iter().enumerate() {
        let part = parts.try_next().await.unwrap().unwrap();
        assert_eq!(part.claims.len(), claims, "page {page}");
        // A page, its claims, and whose bucket it still is.
        assert_eq!(line.seen("GET") - before, 1 + claims + 1, "page {page}");
        before = line.seen("GET");
    }
    assert_eq!(parts.try_next().await.unwrap(), Some(Changes::default()));
    assert_eq!(parts.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_claim_that_is_as_it_was_is_not_fetched_again() {
    let (server, line) = bucket_with(7).await;
    let store = through(&line, &server, 3);
    let mut ledger = Ledger::new(PLATFORM);
    // Broken off after whose bucket it is, the first page, its two claims, and whose bucket it still is.
    line.always_after("GET", 5, Trouble::CutAnswer);
    try_look(store.changes(&mut ledger)).await.unwrap_err();
    line.heal();
    assert_eq!(ledger.holders().count(), 2, "what came stays");
    let rest = names(&look(&store, &mut ledger).await);
    assert_eq!(rest, ["dev-02", "dev-03", "dev-04", "dev-05", "dev-06"]);

    let before = line.seen("GET");
    let quiet = look(&store, &mut ledger).await;
    assert_eq!((quiet.listed, quiet.claims.len()), (7, 0));
    assert_eq!(
        line.seen("GET") - before,
        3 + 2,
        "three pages, and twice whose bucket it is"
    );
    ledger.read_again(&["dev-03.json".to_owned()]);
    assert_eq!(names(&look(&store, &mut ledger).await), ["dev-03"]);
}

#[tokio::test]
async fn a_name_goes_to_its_own_key_also_when_that_is_listed_pages_later() {
    let (server, line) = bucket_with(4).await;
    let stranger = server.stranger();
    let odd = claim("dev-03", "eve").to_json();
    stranger.put("a.json", &odd).await;
    let gone = tombstone("dev-02", "eve").to_json();
    stranger.put("b.json", &gone).await;
    let mut ledger = Ledger::new(PLATFORM);
    let told = look(&through(&line, &server, 1), &mut ledger).await;
    assert_eq!(names(&told), ["dev-00", "dev-01", "dev-02", "dev-03"]);
    assert_eq!(told.tombstones, []);
    assert_eq!(ledger.holder(&name("dev-03")), Some("dev-03.json"));
    let refused: Vec<&str> = told
        .refused
        .iter()
        .map(|refused| refused.place.key.as_str())
        .collect();
    assert_eq!(refused, ["b.json", "a.json"]);
}

/// Two objects with one name; the first one is removed by hand.
async fn first_of_two_is_removed(server: &Server) -> (Ledger, Changes) {
    bucket_of(server, PLATFORM).await;
    let (store, stranger) = (server.store(), server.stranger());
    let mut ledger = Ledger::new(PLATFORM);
    for (key, user) in [("dev-x.json", "ann"), ("second.json", "eve")] {
        stranger.put(key, &claim("dev-x", user).to_json()).await;
    }
    look(&store, &mut ledger).await;
    assert_eq!(ledger.holder(&name("dev-x")), Some("dev-x.json"));
    stranger.remove("dev-x.json").await;
    let told = look(&store, &mut ledger).await;
    (ledger, told)
}

#[tokio::test]
async fn a_proved_removal_frees_the_name_on_minio() {
    let (ledger, told) = first_of_two_is_removed(&Server::minio().await).await;
    assert_eq!(told.vanished[0].absence, Absence::Proved);
    assert_eq!(names(&told), ["dev-x"]);
    assert_eq!(ledger.holder(&name("dev-x")), Some("second.json"));
}

/// This server tells of no mark when it is asked for a removed object, so nothing is proved.
#[tokio::test]
async fn a_removal_without_a_mark_frees_no_name_on_versitygw() {
    let server = Server::versitygw().await.with_versions().await;
    let (ledger, told) = first_of_two_is_removed(&server).await;
    assert_eq!(told.vanished[0].absence, Absence::Unproved);
    assert_eq!(told.claims, []);
    assert_eq!(ledger.holder(&name("dev-x")), Some("dev-x.json"));
}
