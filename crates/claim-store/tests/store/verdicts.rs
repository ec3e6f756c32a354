//! The corpus of claims through the bucket: somebody uploads each of them by hand, and the store says what it is.

use crate::corpus::Corpus;
use crate::servers::Server;
use futures::stream::{self, StreamExt as _};
use std::collections::BTreeMap;

const AT_ONCE: usize = 16;

#[tokio::test]
async fn a_claim_in_the_bucket_gets_the_verdict_of_the_corpus() {
    let server = Server::versitygw().await;
    let (store, stranger, corpus) = (server.store(), server.stranger(), Corpus::read());
    let key = |index: usize| format!("case-{index:03}.json");
    let uploads = corpus.cases.iter().enumerate().map(|(index, case)| {
        let (stranger, key, text) = (&stranger, key(index), corpus.text(case));
        async move { stranger.put(&key, &text).await }
    });
    stream::iter(uploads)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;

    let sweep = store.sweep().await.unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for stored in sweep.claims {
        found.insert(stored.place.key, Vec::new());
    }
    for unreadable in sweep.unreadable {
        let faults = unreadable.faults.0.into_iter();
        let mut places: Vec<String> = faults.map(|fault| fault.pointer).collect();
        places.dedup();
        found.insert(unreadable.place.key, places);
    }
    assert_eq!(sweep.tombstones, []);
    let wrong: Vec<_> = corpus
        .cases
        .iter()
        .enumerate()
        .filter(|(index, case)| found.get(&key(*index)) != Some(&case.faults))
        .map(|(index, case)| (&case.name, found.get(&key(index))))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
