//! The engine finds what the plain predicates find, page by page: for all questions, all rights, all documents.

use crate::documents::{any_document, document, now};
use crate::node::Node;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use search::{Class, Document, Filter, Index, Owner, Query};
use std::time::{Duration, Instant};

const DOCUMENTS: usize = 150;
const QUESTIONS: usize = 250;

fn any_question() -> impl Strategy<Value = String> {
    let condition = (
        select(vec!["", "", "-"]),
        select(vec![
            "gate",
            "TEAM",
            "v1",
            "jane",
            "łukasz",
            "Łuk",
            "ber",
            "ready",
            "*",
            "a*e",
            "ci*?",
            "\\",
            "stock",
            "pool:team1",
            "pool:TEAM*",
            "pool:a|b",
            "type:dev",
            "type:stage",
            "owner:j*",
            "owner:Łukasz",
            "origin:git",
            "phase:Blocked",
            "phase:*",
            "phase:deleted",
            "region:ams",
            "region:x",
            "reason:\"in stock\"",
            "reason:*",
            "service:api-gateway",
            "service:*@v1.2.3",
            "service:auth-service@^1*",
            "version:v2.0.0",
            "version:v1.*",
            "name:env-01*",
            "name:env-*9",
            "expires:<24h",
            "expires:>30m",
            "created:<1d",
            "created:>2d",
        ]),
    )
        .prop_map(|(sign, words)| format!("{sign}{words}"));
    proptest::collection::vec(condition, 0..4).prop_map(|conditions| conditions.join(" "))
}

/// Rights to some of the classes that there are: to all of a class, to one's own, or both.
fn any_filter(classes: Vec<Class>) -> impl Strategy<Value = Filter> {
    let most = classes.len();
    let owner = select(vec![
        Owner::Anybody,
        Owner::Only("jane@acme.example".to_owned()),
        Owner::Only("Łukasz".to_owned()),
    ]);
    (
        subsequence(classes, 0..=most),
        proptest::collection::vec(owner, most),
    )
        .prop_map(|(classes, owners)| classes.into_iter().zip(owners).collect())
}

fn sample<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).expect("a value").current()
}

fn documents(runner: &mut TestRunner) -> Vec<Document> {
    (0..DOCUMENTS)
        .map(|number| Document {
            name: format!("env-{number:04}"),
            ..sample(runner, &any_document())
        })
        .collect()
}

/// All pages, one after the other.
async fn all_pages(index: &Index, query: &Query, filter: &Filter) -> Vec<Document> {
    let mut found = Vec::new();
    let mut query = query.clone();
    loop {
        let page = index.find(&query, filter).await.expect("a page");
        found.extend(page.documents);
        let Some(next) = page.next else {
            assert_eq!(page.total, found.len() as u64, "{query:?}");
            return found;
        };
        query = query.after(&next).expect("a cursor");
    }
}

#[tokio::test]
async fn the_engine_finds_what_the_predicates_let_through() {
    let node = Node::empty().await;
    let index = node.index();
    index.prepare().await.expect("an index");
    let mut runner = TestRunner::deterministic();
    let documents = documents(&mut runner);
    let put = index.put(&documents).await.expect("they are put");
    assert_eq!((put.written, put.refused.as_slice()), (DOCUMENTS, &[][..]));
    node.refresh().await;
    let mut classes: Vec<Class> = documents.iter().map(Document::class).collect();
    classes.sort();
    classes.dedup();
    let (questions, filters) = (any_question(), any_filter(classes));
    let mut hits = 0;
    for _ in 0..QUESTIONS {
        let question = sample(&mut runner, &questions);
        let filter = sample(&mut runner, &filters);
        let query = Query::parse(&question, now())
            .expect("a question")
            .limit(40);
        let found = all_pages(&index, &query, &filter).await;
        let expected: Vec<&Document> = documents
            .iter()
            .filter(|document| query.matches(document) && filter.lets_through(document))
            .collect();
        assert_eq!(
            found.iter().collect::<Vec<_>>(),
            expected,
            "{question} with {filter:?}"
        );
        assert_eq!(
            index.count(&query, &filter).await.expect("a number"),
            expected.len() as u64
        );
        hits += expected.len();
    }
    // Questions that find nothing would agree about anything.
    assert!(hits > QUESTIONS, "{hits} hits");
}

#[tokio::test]
async fn ten_thousand_environments_are_filtered_by_rights_in_time() {
    let node = Node::empty().await;
    let index = node.index();
    index.prepare().await.expect("an index");
    let of = |number: usize| Document {
        pool: format!("pool-{}", number % 800),
        ..document(&format!("env-{number:05}"), "Ready", 1)
    };
    let all: Vec<Document> = (0..10_000).map(of).collect();
    let begun = Instant::now();
    assert_eq!(
        index.put(&all).await.expect("they are put").written,
        all.len()
    );
    let written = begun.elapsed();
    node.refresh().await;
    // Every second pool, in each combination that policies can tell apart.
    let rights = (0..800).step_by(2).flat_map(|pool| {
        ["dev", "staging", "prod", "sue"].map(|kind| {
            let class = Class {
                pool: format!("pool-{pool}"),
                environment_type: kind.to_owned(),
                origin: "bucket".to_owned(),
                protected: false,
            };
            (class, Owner::Anybody)
        })
    });
    let filter: Filter = rights.collect();
    let query = Query::parse("gateway", now())
        .expect("a question")
        .limit(50);
    let mut times = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let page = index.find(&query, &filter).await.expect("a page");
        times.push(begun.elapsed());
        assert_eq!((page.documents.len(), page.total), (50, 5000));
    }
    times.sort_unstable();
    eprintln!(
        "10,000 written in {written:?}; a page of 50 among 5,000 of them: median {:?}, slowest {:?}",
        times[10], times[19]
    );
    assert!(times[10] < Duration::from_secs(1), "{times:?}");
}
