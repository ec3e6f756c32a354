//! Whatever is called in whatever order, the account stays sound, and a refused call changes nothing.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::account::table::Row;

/// One call. An [`Index`] chooses among the objects that exist, or an unknown id now and then.
#[derive(Clone, Debug)]
enum Call {
    CreateVpc,
    DeleteVpc(Index),
    CreateCluster {
        vpc: Option<Index>,
        nodes: u32,
        ha: bool,
    },
    ClusterAnswers(Index),
    DeleteCluster {
        cluster: Index,
        linked: bool,
    },
    Upgrade(Index),
    CreatePool {
        cluster: Index,
        nodes: u32,
        label: u8,
    },
    ResizePool {
        pool: Index,
        nodes: u32,
    },
    DeletePool(Index),
    DeleteNode(Index),
    RecycleNode(Index),
    CreateInstance {
        vpc: Option<Index>,
    },
    DeleteInstance(Index),
    Detach {
        instance: Index,
        vpc: Index,
    },
    CreateBlock {
        cluster: Option<Index>,
    },
    AttachBlock {
        block: Index,
        instance: Index,
    },
    DetachBlock(Index),
    DeleteBlock(Index),
    CreateBalancer {
        vpc: Option<Index>,
        instance: Index,
    },
    DeleteBalancer(Index),
    StaleAttach(bool),
    Wait(i64),
}

fn call() -> impl Strategy<Value = Call> {
    let index = any::<Index>;
    let maybe = || proptest::option::of(any::<Index>());
    prop_oneof![
        Just(Call::CreateVpc),
        index().prop_map(Call::DeleteVpc),
        (maybe(), 0..5_u32, any::<bool>()).prop_map(|(vpc, nodes, ha)| Call::CreateCluster {
            vpc,
            nodes,
            ha
        }),
        index().prop_map(Call::ClusterAnswers),
        (index(), any::<bool>())
            .prop_map(|(cluster, linked)| Call::DeleteCluster { cluster, linked }),
        index().prop_map(Call::Upgrade),
        (index(), 0..4_u32, 0..3_u8).prop_map(|(cluster, nodes, label)| Call::CreatePool {
            cluster,
            nodes,
            label
        }),
        (index(), 0..9_u32).prop_map(|(pool, nodes)| Call::ResizePool { pool, nodes }),
        index().prop_map(Call::DeletePool),
        index().prop_map(Call::DeleteNode),
        index().prop_map(Call::RecycleNode),
        maybe().prop_map(|vpc| Call::CreateInstance { vpc }),
        index().prop_map(Call::DeleteInstance),
        (index(), index()).prop_map(|(instance, vpc)| Call::Detach { instance, vpc }),
        maybe().prop_map(|cluster| Call::CreateBlock { cluster }),
        (index(), index()).prop_map(|(block, instance)| Call::AttachBlock { block, instance }),
        index().prop_map(Call::DetachBlock),
        index().prop_map(Call::DeleteBlock),
        (maybe(), index()).prop_map(|(vpc, instance)| Call::CreateBalancer { vpc, instance }),
        index().prop_map(Call::DeleteBalancer),
        any::<bool>().prop_map(Call::StaleAttach),
        (0..600_i64).prop_map(Call::Wait),
    ]
}

/// An id out of the table, or one that does not exist when it is empty.
fn pick<T: Row>(table: &Table<T>, index: Index) -> String {
    let ids: Vec<&str> = table.iter().map(Row::id).collect();
    if ids.is_empty() {
        "unknown".to_owned()
    } else {
        (*index.get(&ids)).to_owned()
    }
}

fn pool_request(label: u8, nodes: u32) -> PoolRequest {
    PoolRequest {
        label: format!("pool-{label}"),
        plan: "vc2-2c-4gb".to_owned(),
        quantity: nodes,
        min_nodes: 1,
        max_nodes: 1,
        ..PoolRequest::default()
    }
}

/// Cluster, pool and id of a node.
fn node(state: &State, index: Index) -> Option<(String, String, String)> {
    let nodes: Vec<&Instance> = state
        .instances
        .iter()
        .filter(|instance| instance.node.is_some())
        .collect();
    let chosen = nodes.get(index.index(nodes.len().max(1)))?;
    let role = chosen.node.as_ref()?;
    Some((
        role.cluster_id.clone(),
        role.pool_id.clone(),
        chosen.id.clone(),
    ))
}

fn make_machines(state: &mut State, call: &Call) -> Result<(), Refusal> {
    match call {
        Call::CreateCluster { vpc, nodes, ha } => {
            let vpc_id = vpc.map(|index| pick(&state.vpcs, index));
            let request = ClusterRequest {
                region: "ams".to_owned(),
                version: "v1.35.8+1".to_owned(),
                ha_controlplanes: *ha,
                vpc_id,
                pools: vec![pool_request(0, *nodes)],
                ..ClusterRequest::default()
            };
            state.create_cluster(request).map(drop)
        }
        Call::CreatePool {
            cluster,
            nodes,
            label,
        } => {
            let cluster = pick(&state.clusters, *cluster);
            state
                .create_pool(&cluster, pool_request(*label, *nodes))
                .map(drop)
        }
        Call::CreateInstance { vpc } => {
            let attach_vpc = vpc
                .map(|index| pick(&state.vpcs, index))
                .into_iter()
                .collect();
            let request = InstanceRequest {
                region: "ams".to_owned(),
                plan: "vc2-1c-2gb".to_owned(),
                os_id: 2136,
                attach_vpc,
                ..InstanceRequest::default()
            };
            state.create_instance(request).map(drop)
        }
        Call::CreateBlock { cluster } => {
            let cluster_id = cluster.map(|index| pick(&state.clusters, index));
            let request = BlockRequest {
                region: "ams".to_owned(),
                size_gb: 10,
                cluster_id,
                ..BlockRequest::default()
            };
            state.create_block(request).map(drop)
        }
        Call::CreateBalancer { vpc, instance } => {
            let request = LoadBalancerRequest {
                region: "ams".to_owned(),
                instances: Some(vec![pick(&state.instances, *instance)]),
                vpc: vpc.map(|index| pick(&state.vpcs, index)),
                ..LoadBalancerRequest::default()
            };
            state.create_load_balancer(request).map(drop)
        }
        _ => Ok(()),
    }
}

fn change(state: &mut State, call: &Call) -> Result<(), Refusal> {
    match call {
        Call::CreateVpc => {
            let request = VpcRequest {
                region: "ams".to_owned(),
                subnet: Some(("10.0.0.0".to_owned(), 28)),
                ..VpcRequest::default()
            };
            state.create_vpc(request).map(drop)
        }
        Call::DeleteVpc(index) => state.delete_vpc(&pick(&state.vpcs, *index)),
        Call::ClusterAnswers(index) => {
            let cluster = pick(&state.clusters, *index);
            state.cluster_started(&cluster, "kubeconfig".to_owned());
            state.cluster_upgraded(&cluster);
            Ok(())
        }
        Call::DeleteCluster { cluster, linked } => {
            state.delete_cluster(&pick(&state.clusters, *cluster), *linked)
        }
        Call::Upgrade(index) => state.upgrade_cluster(&pick(&state.clusters, *index), "v1.36.5+1"),
        Call::ResizePool { pool, nodes } => {
            let pool = pick(&state.pools, *pool);
            let cluster = state.pools.find(&pool)?.cluster_id.clone();
            let change = PoolChange {
                quantity: Some(*nodes),
                ..PoolChange::default()
            };
            state.change_pool(&cluster, &pool, change).map(drop)
        }
        Call::DeletePool(index) => {
            let pool = pick(&state.pools, *index);
            let cluster = state.pools.find(&pool)?.cluster_id.clone();
            state.delete_pool(&cluster, &pool)
        }
        Call::DeleteNode(index) => match node(state, *index) {
            Some((cluster, pool, node)) => state.delete_node(&cluster, &pool, &node),
            None => Ok(()),
        },
        Call::RecycleNode(index) => match node(state, *index) {
            Some((cluster, pool, node)) => state.recycle_node(&cluster, &pool, &node),
            None => Ok(()),
        },
        Call::DeleteInstance(index) => state.delete_instance(&pick(&state.instances, *index)),
        Call::Detach { instance, vpc } => {
            state.detach_vpc(&pick(&state.instances, *instance), &pick(&state.vpcs, *vpc))
        }
        Call::AttachBlock { block, instance } => state.attach_block(
            &pick(&state.blocks, *block),
            &pick(&state.instances, *instance),
        ),
        Call::DetachBlock(index) => state.detach_block(&pick(&state.blocks, *index)),
        Call::DeleteBlock(index) => state.delete_block(&pick(&state.blocks, *index)),
        Call::DeleteBalancer(index) => {
            state.delete_load_balancer(&pick(&state.load_balancers, *index))
        }
        Call::StaleAttach(on) => {
            state.conditions.stale_attach = *on;
            if !on {
                state.forget_stale_attachments();
            }
            Ok(())
        }
        making => make_machines(state, making),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_account_stays_sound(calls in proptest::collection::vec(call(), 1..80), seed in any::<u64>()) {
        let mut now = Timestamp::UNIX_EPOCH;
        let mut state = State::new(now, seed, 0);
        for call in calls {
            if let Call::Wait(seconds) = call {
                now += SignedDuration::from_secs(seconds);
            }
            state.settle(now);
            let before = state.snapshot();
            let result = state.attempt(|state| change(state, &call));
            if result.is_err() {
                prop_assert_eq!(before, state.snapshot(), "{:?} was refused and changed something", call);
            }
            prop_assert_eq!(state.contradictions(), Vec::<String>::new(), "after {:?}", call);
        }
        // Everything deleted and time gone by: nothing holds any network.
        let clusters: Vec<String> = state.clusters.iter().map(|cluster| cluster.id.clone()).collect();
        for id in clusters {
            prop_assert!(state.delete_cluster(&id, true).is_ok());
        }
        now += SignedDuration::from_hours(1);
        state.settle(now);
        let instances: Vec<String> = state.instances.iter().map(|instance| instance.id.clone()).collect();
        let balancers: Vec<String> = state.load_balancers.iter().map(|balancer| balancer.id.clone()).collect();
        for id in instances {
            prop_assert!(state.delete_instance(&id).is_ok());
        }
        for id in balancers {
            prop_assert!(state.delete_load_balancer(&id).is_ok());
        }
        state.settle(now + SignedDuration::from_hours(1));
        let vpcs: Vec<String> = state.vpcs.iter().map(|vpc| vpc.id.clone()).collect();
        for id in vpcs {
            prop_assert!(state.delete_vpc(&id).is_ok());
        }
        prop_assert_eq!(state.contradictions(), Vec::<String>::new());
    }
}
