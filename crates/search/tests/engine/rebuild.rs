//! A new index from the truth, while others write and search.

use crate::documents::{document, now};
use crate::node::Node;
use search::{Document, Engine, Filter, Index, Owner, Query, SearchError};
use std::convert::Infallible;

fn all() -> Filter {
    [(document("x", "x", 0).class(), Owner::Anybody)]
        .into_iter()
        .collect()
}

async fn everything(index: &Index) -> Vec<Document> {
    let query = Query::parse("phase:*", now())
        .expect("a question")
        .limit(1000);
    index.find(&query, &all()).await.expect("a page").documents
}

fn many(phase: &str, second: i64) -> Vec<Document> {
    (0..300)
        .map(|number| document(&format!("env-{number:03}"), phase, second))
        .collect()
}

fn nothing_fails(
    documents: Vec<Document>,
) -> impl Future<Output = Result<Vec<Document>, Infallible>> {
    std::future::ready(Ok(documents))
}

#[tokio::test]
async fn several_programs_prepare_at_once_and_get_one_index() {
    let node = Node::empty().await;
    let index = node.index();
    let before = index.health().await.expect("an engine");
    assert!(
        !before.usable() && before.engine == Engine::OpenSearch,
        "{before:?}"
    );
    let (one, two, three) = tokio::join!(index.prepare(), index.prepare(), index.prepare());
    one.and(two).and(three).expect("they agree");
    index.prepare().await.expect("once more changes nothing");
    let after = index.health().await.expect("an engine");
    assert_eq!(after.read.as_deref(), Some("environments-v1-000001"));
    assert!(after.usable(), "{after:?}");
}

#[tokio::test]
async fn a_rebuild_has_the_same_documents_without_what_the_truth_does_not_know() {
    let node = Node::empty().await;
    let index = node.index();
    index.prepare().await.expect("an index");
    let truth = many("Ready", 10);
    index.put(&truth).await.expect("they are put");
    index
        .put(&[document("env-ghost", "Ready", 10)])
        .await
        .expect("it is put");
    let rebuilt = index
        .rebuild(|| nothing_fails(truth.clone()))
        .await
        .expect("a new index");
    assert_eq!(
        (rebuilt.index.as_str(), rebuilt.documents),
        ("environments-v1-000002", 300)
    );
    // To be found at once, without a refresh of ours.
    assert_eq!(everything(&index).await, truth);
    let indices = node
        .raw("GET", "_cat/indices/environments-v1-*?h=index")
        .await;
    assert_eq!(indices.trim(), "environments-v1-000002");
    assert!(index.health().await.expect("an engine").usable());
}

#[tokio::test]
async fn writes_and_searches_go_on_during_a_rebuild() {
    let node = Node::empty().await;
    let index = node.index();
    index.prepare().await.expect("an index");
    index.put(&many("Pending", 10)).await.expect("they are put");
    node.refresh().await;
    // The truth is read, and before it arrives in the index somebody writes newer states of some of it.
    let truth = async || {
        let read = many("Ready", 20);
        index
            .put(&[
                document("env-007", "Blocked", 30),
                document("env-late", "Pending", 31),
            ])
            .await?;
        let seen = everything(&index).await;
        assert_eq!(seen.len(), 300);
        assert!(
            seen.iter().all(|document| document.phase == "Pending"),
            "searches see what was there before"
        );
        Ok::<_, SearchError>(read)
    };
    index.rebuild(truth).await.expect("a new index");
    let after = everything(&index).await;
    let phase = |name: &str| {
        after
            .iter()
            .find(|document| document.name == name)
            .map(|document| document.phase.as_str())
    };
    assert_eq!(after.len(), 301);
    assert_eq!(
        (phase("env-007"), phase("env-late"), phase("env-008")),
        (Some("Blocked"), Some("Pending"), Some("Ready"))
    );
}

#[tokio::test]
async fn a_rebuild_that_breaks_off_is_told_and_ended_by_the_next() {
    let node = Node::empty().await;
    let index = node.index();
    index.prepare().await.expect("an index");
    index.put(&many("Ready", 10)).await.expect("they are put");
    node.refresh().await;
    let broken = index
        .rebuild(async || Err::<Vec<Document>, _>("the bucket is away"))
        .await;
    assert!(
        matches!(&broken, Err(SearchError::NoTruth { why, .. }) if why == "the bucket is away"),
        "{broken:?}"
    );
    assert!(!index.health().await.expect("an engine").usable());
    assert_eq!(everything(&index).await.len(), 300);
    index
        .put(&[document("env-new", "Pending", 11)])
        .await
        .expect("it is put");
    let truth = [many("Ready", 10), vec![document("env-new", "Pending", 11)]].concat();
    let rebuilt = index
        .rebuild(|| nothing_fails(truth))
        .await
        .expect("a new index");
    assert_eq!(rebuilt.index, "environments-v1-000003");
    assert_eq!(everything(&index).await.len(), 301);
    assert!(index.health().await.expect("an engine").usable());
}

#[tokio::test]
async fn of_two_rebuilds_the_later_one_wins_and_the_other_is_told() {
    let node = Node::empty().await;
    let index = node.index();
    index.prepare().await.expect("an index");
    let slow = index.rebuild(async || {
        let inner = index.rebuild(|| nothing_fails(many("Ready", 20))).await;
        assert_eq!(
            inner.expect("the later one wins").index,
            "environments-v1-000003"
        );
        Ok::<_, Infallible>(many("Pending", 10))
    });
    let overtaken = slow.await;
    assert!(
        matches!(
            overtaken,
            Err(SearchError::Overtaken { .. } | SearchError::NoIndex { .. })
        ),
        "{overtaken:?}"
    );
    let after = everything(&index).await;
    assert!(after.len() == 300 && after.iter().all(|document| document.phase == "Ready"));
    assert!(index.health().await.expect("an engine").usable());
}

#[tokio::test]
async fn one_document_that_the_engine_cannot_hold_keeps_none_of_the_others_out() {
    let node = Node::empty().await;
    let index = node.index();
    index.prepare().await.expect("an index");
    let mut huge = document("env-huge", "Ready", 10);
    huge.claim = serde_json::json!({"branch": "x".repeat(40_000)});
    let batch = [
        document("env-a", "Ready", 10),
        huge,
        document("env-b", "Ready", 10),
    ];
    let put = index.put(&batch).await.expect("an answer");
    assert_eq!(put.written, 2);
    assert!(
        put.refused.len() == 1 && put.refused[0].0 == "env-huge",
        "{put:?}"
    );
}

#[tokio::test]
async fn without_the_alias_nothing_is_made_by_accident() {
    let node = Node::empty().await;
    let index = node.index();
    let lost = index.put(&[document("env-a", "Ready", 10)]).await;
    assert!(matches!(lost, Err(SearchError::NoIndex { .. })), "{lost:?}");
    let lost = index.find(&Query::everything(), &all()).await;
    assert!(matches!(lost, Err(SearchError::NoIndex { .. })), "{lost:?}");
    assert_eq!(
        node.raw("GET", "_cat/indices/environments*?h=index")
            .await
            .trim(),
        ""
    );
}
