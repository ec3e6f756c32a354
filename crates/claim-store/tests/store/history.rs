//! What stood under a key before, on a bucket that keeps versions and on one that does not.

use crate::contract::{claim, id, tombstone};
use crate::servers::Server;

#[tokio::test]
async fn a_withdrawn_claim_is_found_in_the_history_of_its_key() {
    let server = Server::minio().await;
    let store = server.store();
    let first = store.put_new(&claim("dev-x", "ann"), id()).await.unwrap();
    let second = store
        .replace(&first, &claim("dev-x", "bob"), id())
        .await
        .unwrap();
    store
        .withdraw(&second, &tombstone("dev-x", "bob"), id())
        .await
        .unwrap();
    server.stranger().put("dev-x.json.bak", "no claim").await;

    let history = store.history("dev-x.json", 10).await.unwrap();
    let users: Vec<&str> = history
        .iter()
        .map(|seen| seen.claim.user.as_str())
        .collect();
    assert_eq!(users, ["bob", "ann"]);
    assert_eq!(history[0].etag, second.etag);
    assert_eq!(store.history("dev-x.json", 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_bucket_without_versions_remembers_no_claim_that_was_withdrawn() {
    let server = Server::versitygw().await;
    let store = server.store();
    let place = store.put_new(&claim("dev-x", "ann"), id()).await.unwrap();
    store
        .withdraw(&place, &tombstone("dev-x", "ann"), id())
        .await
        .unwrap();
    assert_eq!(store.history("dev-x.json", 10).await.unwrap(), []);
}
