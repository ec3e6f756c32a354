//! The store when answers are lost: a line between it and a real server is cut at chosen moments.

use crate::contract::{claim, id, name, tombstone};
use crate::line::{Line, Trouble};
use crate::servers::Server;
use claim_store::{ClaimStore, Limits, Settings, StoreError, Winner};
use std::time::{Duration, Instant};

/// One request with its repetitions.
const OPERATION: Duration = Duration::from_secs(5);

/// A store that reaches the server through the line.
pub(crate) fn through(line: &Line, server: &Server, page: i32) -> ClaimStore {
    let limits = Limits {
        connect: Duration::from_secs(1),
        attempt: Duration::from_secs(1),
        operation: OPERATION,
        page,
    };
    ClaimStore::new(&Settings {
        endpoint: line.endpoint(),
        limits,
        ..server.settings()
    })
    .unwrap()
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_recognised() {
    let server = Server::versitygw().await;
    for lost in [Trouble::CutAnswer, Trouble::HoldAnswer] {
        let line = Line::to(&server.endpoint).await;
        let store = through(&line, &server, 1000);
        let environment = format!("dev-{lost:?}").to_lowercase();
        line.next("PUT", lost);
        let place = store
            .put_new(&claim(&environment, "ann"), id())
            .await
            .unwrap();
        line.next("PUT", lost);
        let place = store
            .replace(&place, &claim(&environment, "bob"), id())
            .await
            .unwrap();
        let there = server
            .store()
            .get(&name(&environment))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((there.place, there.claim.user.as_str()), (place, "bob"));
        assert_eq!(
            line.seen("PUT"),
            2,
            "a write that took effect must not be sent again"
        );
    }
}

#[tokio::test]
async fn a_write_that_never_arrived_is_sent_again() {
    let server = Server::versitygw().await;
    let line = Line::to(&server.endpoint).await;
    let store = through(&line, &server, 1000);
    line.next("PUT", Trouble::CutRequest);
    store.put_new(&claim("dev-x", "ann"), id()).await.unwrap();
    assert_eq!(line.seen("PUT"), 2);
}

#[tokio::test]
async fn a_rival_who_wins_while_the_answer_is_lost_is_named() {
    let server = Server::versitygw().await;
    let line = Line::to(&server.endpoint).await;
    let store = through(&line, &server, 1000);
    let before = server
        .store()
        .put_new(&claim("dev-x", "ann"), id())
        .await
        .unwrap();
    server
        .store()
        .replace(&before, &claim("dev-x", "bob"), id())
        .await
        .unwrap();
    line.next("PUT", Trouble::CutAnswer);
    let lost = store
        .replace(&before, &claim("dev-x", "cid"), id())
        .await
        .unwrap_err();
    assert!(
        matches!(lost, StoreError::Lost { winner: Winner::Claim { ref user, .. }, .. } if user == "bob"),
        "{lost}"
    );
}

#[tokio::test]
async fn a_claim_that_breaks_off_is_read_again_and_never_half() {
    let server = Server::versitygw().await;
    let line = Line::to(&server.endpoint).await;
    let store = through(&line, &server, 1000);
    let place = server
        .store()
        .put_new(&claim("dev-x", "ann"), id())
        .await
        .unwrap();
    line.next("GET", Trouble::HalfAnswer);
    assert_eq!(
        store.get(&name("dev-x")).await.unwrap().unwrap().place,
        place
    );
    line.always("GET", Trouble::HalfAnswer);
    let error = store.get(&name("dev-x")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_listing_without_its_last_page_is_an_error() {
    let server = Server::versitygw().await;
    let line = Line::to(&server.endpoint).await;
    for index in 0..7 {
        server
            .stranger()
            .put(&format!("dev-{index}.json"), "{}")
            .await;
    }
    let store = through(&line, &server, 3);
    assert_eq!(store.list().await.unwrap().len(), 7);
    for trouble in [Trouble::HalfAnswer, Trouble::CutAnswer] {
        line.always_after("GET", 2, trouble);
        let error = store.list().await.unwrap_err();
        assert!(
            matches!(error, StoreError::Incomplete { pages: 2, .. }),
            "{error}"
        );
        line.heal();
    }
    assert_eq!(store.list().await.unwrap().len(), 7);
}

#[tokio::test]
async fn a_server_that_is_silent_or_gone_is_given_up_in_time() {
    let server = Server::versitygw().await;
    let line = Line::to(&server.endpoint).await;
    let store = through(&line, &server, 1000);
    let place = store.put_new(&claim("dev-x", "ann"), id()).await.unwrap();
    line.always("GET", Trouble::HoldAnswer);
    line.always("PUT", Trouble::HoldAnswer);
    let began = Instant::now();
    let silent = store.list().await.unwrap_err();
    assert!(matches!(silent, StoreError::Unreachable { .. }), "{silent}");
    let unwritten = store
        .put_new(&claim("dev-y", "ann"), id())
        .await
        .unwrap_err();
    assert!(
        matches!(unwritten, StoreError::Unreachable { .. }),
        "{unwritten}"
    );
    let unknown = store
        .withdraw(&place, &tombstone("dev-x", "ann"), id())
        .await
        .unwrap_err();
    assert!(matches!(unknown, StoreError::Unsettled { .. }), "{unknown}");
    // Three calls met silence; a busy machine may double what their limits allow.
    assert!(began.elapsed() < 2 * 3 * OPERATION, "{:?}", began.elapsed());

    let endpoint = server.endpoint.clone();
    let direct = server.store();
    drop(server);
    let gone = direct.get(&name("dev-x")).await.unwrap_err();
    assert!(
        matches!(gone, StoreError::Unreachable { .. }) && gone.to_string().contains(&endpoint),
        "{gone}"
    );
}
