//! Whatever was seen, however late and in whatever order it arrives: the newest state stays.

use crate::documents::{document, now, second};
use crate::node::Node;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use search::{Document, Filter, Owner, Query, Sighting, Version};
use std::collections::HashMap;

/// What happened to the two objects of an environment, and who looked when: in thousandths of a second.
#[derive(Clone, Debug)]
struct History {
    /// Writes, by time: whether of the status rather than the claim, and how long after the one before.
    writes: Vec<(bool, u32)>,
    /// Looks at both objects, each at a moment of its own, anywhere in the history.
    looks: Vec<(u32, u32)>,
    /// The order in which what was seen arrives.
    order: Vec<usize>,
}

/// An object over time: when it was written, and which write it was.
type Object = Vec<(u32, usize)>;

fn any_history() -> impl Strategy<Value = History> {
    let writes = proptest::collection::vec((any::<bool>(), 0_u32..900), 1..12);
    let looks = proptest::collection::vec((0_u32..9000, 0_u32..9000), 0..20);
    (writes, looks).prop_flat_map(|(writes, looks)| {
        // The last look, and some that arrive twice.
        let order: Vec<usize> = (0..=looks.len()).chain(0..looks.len() / 2).collect();
        (Just(writes), Just(looks), Just(order).prop_shuffle()).prop_map(
            |(writes, looks, order)| History {
                writes,
                looks,
                order,
            },
        )
    })
}

impl History {
    /// The claim, the status, and the moment after everything.
    fn objects(&self) -> (Object, Object, u32) {
        let (mut claim, mut status, mut time) = (vec![(0, 0)], Vec::new(), 0);
        for (number, (of_status, pause)) in self.writes.iter().enumerate() {
            time += pause;
            let object = if *of_status { &mut status } else { &mut claim };
            object.push((time, number + 1));
        }
        // The last look comes when the second of the last write has passed, and so do looks at the same time as it.
        (claim, status, (time / 1000 + 1) * 1000)
    }

    /// What arrives, in its order; the last element of the pair is what stands in the store in the end.
    fn sent(&self, name: &str) -> (Vec<Document>, Document) {
        let (claim, status, end) = self.objects();
        let see = |(of_claim, of_status): (u32, u32)| {
            seen(name, &[(&claim, of_claim), (&status, of_status)])
        };
        let last = see((end, end));
        let all: Vec<Document> = self
            .looks
            .iter()
            .map(|look| see(*look))
            .chain([last.clone()])
            .collect();
        (self.order.iter().map(|at| all[*at].clone()).collect(), last)
    }
}

/// What a look finds: of each object the last write before it, stamped by the store to the second.
fn seen(name: &str, objects: &[(&Object, u32)]) -> Document {
    let (mut sightings, mut words) = (Vec::new(), Vec::new());
    for (object, at) in objects {
        if let Some((written, number)) = object.iter().rev().find(|(written, _)| written <= at) {
            words.push(number.to_string());
            sightings.push(Sighting {
                modified: second(i64::from(written / 1000)),
                answered: second(i64::from(at / 1000)),
            });
        }
    }
    Document {
        phase: words.join("/"),
        version: Version::of(sightings),
        ..document(name, "", 0)
    }
}

/// Writers that count by themselves: the pauses between their looks, and how far their clocks are off, in seconds.
fn any_counters() -> impl Strategy<Value = Vec<(Vec<u32>, i64)>> {
    let looks = proptest::collection::vec(0_u32..4, 0..12);
    proptest::collection::vec((looks, -5_i64..5), 1..4)
}

/// What such a writer sends of an environment that has a new state every second until the tenth: a document whenever it
/// sees another state than before.
fn counted(looks: &[u32], off: i64) -> Vec<Document> {
    const LAST: u32 = 10;
    let (mut sent, mut time, mut version) = (Vec::<Document>::new(), 0, None);
    // Each goes on until it has seen the last state.
    for pause in looks.iter().chain([&LAST]) {
        time += pause;
        let phase = time.min(LAST).to_string();
        if sent.last().is_none_or(|last| last.phase != phase) {
            version = Some(Version::counted(version, second(i64::from(time) + off)));
            sent.push(Document {
                phase,
                version: version.expect("a version"),
                ..document("env-x", "", 0)
            });
        }
    }
    sent
}

/// The rule of the engine is simple enough to be written down: only a higher number replaces.
fn stands(sent: &[Document]) -> &Document {
    let mut stands = &sent[0];
    for document in sent {
        if document.version > stands.version {
            stands = document;
        }
    }
    stands
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_state_stays_in_every_order(history in any_history()) {
        let (sent, last) = history.sent("env-x");
        prop_assert_eq!(&stands(&sent).phase, &last.phase);
    }

    #[test]
    fn writers_that_count_by_themselves_end_with_what_all_of_them_saw_last(
        sent in any_counters()
            .prop_map(|counters| counters.iter().flat_map(|(looks, off)| counted(looks, *off)).collect::<Vec<_>>())
            .prop_shuffle()
    ) {
        prop_assert_eq!(&stands(&sent).phase, "10");
    }
}

#[tokio::test]
async fn the_engine_keeps_that_rule_with_writers_at_the_same_time() {
    let node = Node::empty().await;
    let (one, other) = (node.index(), node.index());
    one.prepare().await.expect("an index");
    let mut runner = TestRunner::deterministic();
    let mut expected: HashMap<String, String> = HashMap::new();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for number in 0..60 {
        let name = format!("env-{number:02}");
        let history = any_history()
            .new_tree(&mut runner)
            .expect("a history")
            .current();
        let (sent, last) = history.sent(&name);
        expected.insert(name, last.phase);
        for (at, document) in sent.into_iter().enumerate() {
            if at % 2 == 0 {
                first.push(document);
            } else {
                second.push(document);
            }
        }
    }
    let sent = first.len() + second.len();
    let write = async |index: &search::Index, documents: &[Document]| {
        let mut handled = 0;
        for batch in documents.chunks(37) {
            let put = index.put(batch).await.expect("they are put");
            assert_eq!(put.refused, []);
            handled += put.written + put.newer;
        }
        handled
    };
    let (some, others) = tokio::join!(write(&one, &first), write(&other, &second));
    assert_eq!(some + others, sent);
    node.refresh().await;
    let all: Filter = [(document("x", "x", 0).class(), Owner::Anybody)]
        .into_iter()
        .collect();
    let query = Query::parse("phase:*", now())
        .expect("a question")
        .limit(1000);
    let found = one.find(&query, &all).await.expect("a page");
    let found: HashMap<String, String> = found
        .documents
        .into_iter()
        .map(|document| (document.name, document.phase))
        .collect();
    assert_eq!(found, expected);
}
