//! Where a run goes on from every place where an earlier one can have been broken off.

use super::*;

const OLD: &str = "e97bdee9-1111-4222-8333-444455556666";
const NEW: &str = "0a1b2c3d-1111-4222-8333-444455556666";

fn goal(plan: &str) -> PoolGoal {
    PoolGoal {
        name: "memory".to_owned(),
        plans: Accepted::read(&tfplugin::Object::new().with("plan", plan))
            .unwrap()
            .unwrap(),
        min: 1,
        max: 4,
        autoscale: true,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        tags: PoolTags::finished_as("slipway:acme"),
    }
}

fn pool(id: &str, label: &str, plan: &str) -> NodePool {
    serde_json::from_value(serde_json::json!({
        "id": id, "date_created": "2026-07-07T22:57:01+00:00", "label": label, "plan": plan, "status": "active",
        "node_quantity": 3, "min_nodes": 1, "max_nodes": 4, "auto_scaler": true, "tag": "slipway:acme",
        "labels": {}, "taints": [], "nodes": [],
    }))
    .unwrap()
}

/// Walks from a world to the end; every step succeeds. Gives the steps' words and the pools that are left.
fn walk(plan: &str, mut pools: Vec<NodePool>) -> (Vec<&'static str>, Vec<NodePool>) {
    let goal = &goal(plan);
    let mut steps = Vec::new();
    loop {
        let seen = pools.clone();
        let pair = Pair::of_name(&seen, &goal.name);
        let step = next(goal, pair.old, pair.replacement);
        steps.push(step.describe());
        match step {
            Step::Settle(_) => return (steps, pools),
            Step::Make(replaces) => {
                let made = goal.creation(plan.to_owned(), replaces);
                pools.push(pool(NEW, &made.label, &made.plan));
            }
            Step::Move { from, .. } => pools.retain(|one| one.id != from.id),
            Step::Withdraw { pool, .. } => pools.retain(|one| one.id != pool.id),
        }
        assert!(pools.len() <= 2, "a third pool: {pools:?}");
        assert!(steps.len() < 9, "no end: {steps:?}");
    }
}

#[test]
fn a_new_plan_is_a_new_pool_and_then_the_old_one_goes() {
    let (steps, left) = walk("big", vec![pool(OLD, "memory", "small")]);
    assert_eq!(steps.len(), 3, "{steps:?}");
    assert_eq!((left.len(), left[0].label.as_str()), (1, "memory-e97bdee9"));
}

#[test]
fn every_interrupted_replacement_ends_with_the_one_pool_that_is_wanted() {
    let old = || pool(OLD, "memory", "small");
    let new = || pool(NEW, "memory-e97bdee9", "big");
    for world in [
        vec![old()],
        vec![old(), new()],
        vec![new(), old()],
        vec![new()],
    ] {
        let (steps, left) = walk("big", world);
        assert_eq!((left.len(), left[0].id.as_str()), (1, NEW), "{steps:?}");
    }
}

#[test]
fn a_replacement_that_is_no_longer_wanted_makes_way() {
    let world = || {
        vec![
            pool(OLD, "memory", "small"),
            pool(NEW, "memory-e97bdee9", "big"),
        ]
    };
    let (steps, left) = walk("small", world());
    assert_eq!((steps.len(), left[0].id.as_str()), (2, OLD), "{steps:?}");
    let (_, left) = walk("huge", world());
    assert_eq!((left.len(), left[0].plan.as_str()), (1, "huge"));
}

#[test]
fn the_pool_of_an_id_is_found_with_its_heir() {
    let pools = [
        pool(NEW, "memory-e97bdee9", "big"),
        pool("f", "other", "big"),
    ];
    let pair = Pair::of_id(&pools, OLD);
    assert!(pair.old.is_none());
    assert_eq!(pair.replacement.unwrap().id, NEW);
}

#[test]
fn what_is_as_wanted_is_not_changed_and_the_scalers_number_never() {
    let goal = goal("small");
    let mut pool = pool(OLD, "memory", "small");
    pool.node_quantity = 4;
    assert!(goal.change(&pool).is_none());
    pool.max_nodes = 9;
    let change = goal.change(&pool).unwrap();
    assert_eq!((change.node_quantity, change.max_nodes), (None, Some(4)));
    assert_eq!(change.tag, None);
    pool.max_nodes = 4;
    pool.tag = "renamed".to_owned();
    let change = goal.change(&pool).unwrap();
    assert_eq!(
        (change.max_nodes, change.tag.as_deref()),
        (None, Some("slipway:acme"))
    );
}

#[test]
fn a_replacement_begins_with_room_for_what_moves() {
    let old = pool(OLD, "memory", "small");
    let nodes = |goal: &PoolGoal, old| goal.creation("big".to_owned(), old).node_quantity;
    assert_eq!(nodes(&goal("big"), Some(&old)), 3);
    assert_eq!(nodes(&goal("big"), None), 1);
    let fixed = PoolGoal {
        autoscale: false,
        max: 1,
        ..goal("big")
    };
    assert_eq!(nodes(&fixed, Some(&old)), 1);
}
