//! What a user wants of a node pool, checked and completed from its kind.

use std::collections::BTreeMap;
use std::time::Duration;

use tfplugin::value::Attr;
use tfplugin::{Diagnostics, Object, ValueError};
use vultr::NodePool;

use crate::duration;
use crate::fault::{self, Fault};
use crate::nearest::allowed_words;
use crate::platform::read::bounds;
use crate::platform::settings::{bad_counts, known};
use crate::pool_kind::{self, PoolKind, Taint, same_taints, taints_of};
use crate::pool_mark::{self, PoolTags};
use crate::session::Session;
use crate::stock::{self, Accepted};
use crate::surge::PoolGoal;
use crate::{node_plan, price};

use super::labels;

/// A pool as it is wanted, every value known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) cluster: String,
    pub(super) name: String,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) autoscale: bool,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) taints: Vec<Taint>,
}

impl Settings {
    /// Reads a planned state, whose settings are all known by then.
    pub(super) fn read(planned: &Object) -> Result<Self, Diagnostics> {
        Ok(Self {
            cluster: planned.get("cluster_id")?,
            name: planned.get("name")?,
            min: planned.get("min_nodes")?,
            max: planned.get("max_nodes")?,
            autoscale: planned.get("autoscale")?,
            labels: planned.get("labels")?,
            taints: planned.get("taints")?,
        })
    }

    /// The pool as an operation is to make it, of one of these plans.
    pub(super) fn goal(&self, plans: Accepted, tags: PoolTags) -> PoolGoal {
        PoolGoal {
            name: self.name.clone(),
            plans,
            min: self.min,
            max: self.max,
            autoscale: self.autoscale,
            labels: self.labels.clone(),
            taints: self.taints.clone(),
            tags,
        }
    }
}

/// Fills in what the kind decides, as far as it is known.
pub(super) fn complete(config: &Object, planned: &mut Object) {
    let Some(kind) = planned.value("kind").as_str().and_then(PoolKind::named) else {
        return;
    };
    let unset = |name: &str| config.is_null(name);
    if unset("name") {
        planned.set("name", kind.name);
    }
    if unset("plan") {
        planned.set("plan", kind.plan);
    }
    if unset("labels") {
        planned.set("labels", kind.labels());
    }
    if unset("taints") {
        planned.set("taints", kind.taints());
    }
    if unset("max_nodes") {
        let min = planned.value("min_nodes").clone();
        planned.set("max_nodes", min);
    }
    if unset("autoscale") {
        match (
            planned.get::<Attr<u32>>("min_nodes"),
            planned.get::<Attr<u32>>("max_nodes"),
        ) {
            (Ok(Attr::Known(min)), Ok(Attr::Known(max))) => planned.set("autoscale", min < max),
            _ => planned.set_unknown("autoscale"),
        };
    }
}

/// Everything wrong with a configuration that can be known without an account. Unknown values are passed over.
pub(super) fn check(config: &Object) -> Diagnostics {
    let mut faults = Diagnostics::new();
    if let Some(kind) = known::<String>(config, "kind", &mut faults)
        && PoolKind::named(&kind).is_none()
    {
        let words = allowed_words(&kind, pool_kind::names());
        faults.append(
            Fault::new(fault::UNKNOWN_KIND, format!("kind is {kind:?}. {words}")).at("kind"),
        );
    }
    if let Some(name) = known::<String>(config, "name", &mut faults)
        && !is_name(&name)
    {
        faults.append(Fault::new(fault::BAD_NAME, format!("name is {name:?}. Allowed: 1 to 40 lower-case letters, digits and hyphens, starting with a letter and ending with a letter or digit; an ending of a hyphen and eight hexadecimal digits belongs to pools that replaced another.")).at("name"));
    }
    check_counts(config, &mut faults);
    labels::check(config, &mut faults);
    for operation in ["create", "update", "delete"] {
        if let Err(fault) = timeout(config, operation, Duration::ZERO) {
            faults.append(fault);
        }
    }
    faults
}

fn check_counts(config: &Object, faults: &mut Diagnostics) {
    let min = known::<i64>(config, "min_nodes", faults);
    let max = known::<i64>(config, "max_nodes", faults);
    let floor = if config.is_null("min_nodes") {
        Some(1)
    } else {
        min
    };
    let autoscale = known::<bool>(config, "autoscale", faults);
    let at = if max.is_some() {
        "max_nodes"
    } else {
        "min_nodes"
    };
    if let Some(why) = bad_counts(floor, max) {
        faults.append(Fault::new(fault::BAD_COUNT, why).at(at));
    } else if let (Some(false), Some(floor), Some(max)) = (autoscale, floor, max)
        && floor != max
    {
        faults.append(
            Fault::new(
                fault::BAD_COUNT,
                format!("autoscale is false, so the pool keeps min_nodes = {floor} nodes, and max_nodes is {max}. Allowed: max_nodes equal to min_nodes, or unset."),
            )
            .at(at),
        );
    }
}

/// How long an operation may take.
pub(super) fn timeout(
    object: &Object,
    operation: &str,
    default: Duration,
) -> Result<Duration, Diagnostics> {
    let Attr::Known(timeouts) = object.get::<Attr<Object>>("timeouts")? else {
        return Ok(default);
    };
    match timeouts.get::<Attr<String>>(operation)? {
        Attr::Known(text) => duration::parse(&text).map_err(|why| {
            Fault::new(fault::BAD_TIMEOUT, format!("timeouts.{operation}: {why}."))
                .at("timeouts")
                .into()
        }),
        Attr::Null | Attr::Unknown => Ok(default),
    }
}

/// Writes what a pool is into a state, in the stored spelling where it means the same.
pub(super) fn write(pool: &NodePool, cluster: &str, state: &mut Object) -> Result<(), ValueError> {
    let (min, max) = bounds(pool);
    state
        .set("id", pool.id.as_str())
        .set("cluster_id", cluster)
        .set("name", pool_mark::name_of(&pool.label))
        .set("label", pool.label.as_str())
        .set("mark", pool.tag.as_str())
        .set("min_nodes", min)
        .set("max_nodes", max)
        .set("autoscale", pool.auto_scaler)
        .set("labels", pool.labels.clone());
    let taints = taints_of(pool);
    let stored = state.get::<Option<Vec<Taint>>>("taints").ok().flatten();
    if !stored.is_some_and(|stored| same_taints(&stored, &taints)) {
        state.set("taints", taints);
    }
    if let Some(kind) = pool.labels.get(pool_kind::KIND_KEY)
        && state.is_null("kind")
    {
        state.set("kind", kind.as_str());
    }
    stock::write_seen(&pool.plan, state)
}

/// Writes what the fewest nodes of a pool cost.
pub(super) async fn write_price(
    session: &Session,
    region: &str,
    pool: &NodePool,
    state: &mut Object,
) -> Result<(), Fault> {
    let (nodes, _) = bounds(pool);
    price::write_unknown(state);
    node_plan::settle_price(session, region, &pool.plan, nodes, state).await
}

fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && pool_mark::name_of(name) == name
}

#[cfg(test)]
mod tests {
    use super::*;
    use tfplugin::{AttributePath, IntoValue, Value};

    fn config() -> Object {
        Object::new().with("cluster_id", "c").with("kind", "memory")
    }

    #[test]
    fn the_kind_fills_in_everything_that_is_not_set() {
        let mut planned = config().with("min_nodes", 1);
        complete(&config(), &mut planned);
        let settings = Settings::read(&planned).unwrap();
        assert_eq!(
            (
                settings.name.as_str(),
                settings.min,
                settings.max,
                settings.autoscale
            ),
            ("memory", 1, 1, false)
        );
        assert_eq!(settings.taints[0].value, "memory");
        assert_eq!(settings.labels["slipway.dev/pool"], "memory");
    }

    #[test]
    fn what_is_set_stays_and_the_scaler_follows_the_bounds() {
        let config = config()
            .with("name", "cache")
            .with("max_nodes", 4)
            .with("taints", Vec::<Taint>::new());
        let mut planned = config.clone().with("min_nodes", 2);
        complete(&config, &mut planned);
        let settings = Settings::read(&planned).unwrap();
        assert!(settings.autoscale && settings.taints.is_empty());
        assert_eq!(settings.name, "cache");
    }

    #[test]
    fn every_bad_setting_is_one_fault_at_its_attribute() {
        let taint = |effect: &str| {
            vec![Taint {
                key: "k".into(),
                value: String::new(),
                effect: effect.into(),
            }]
        };
        let cases: [(&str, Value, &str); 7] = [
            ("kind", "memmory".into_value(), "Did you mean \"memory\"?"),
            ("name", "Pool".into_value(), "lower-case"),
            ("min_nodes", 0.into_value(), "1 to 99"),
            ("max_nodes", 100.into_value(), "1 to 99"),
            (
                "labels",
                BTreeMap::from([("a b", "v")]).into_value(),
                "is no key",
            ),
            (
                "taints",
                taint("NoScedule").into_value(),
                "Did you mean \"NoSchedule\"?",
            ),
            (
                "timeouts",
                Object::new().with("create", "soon").into_value(),
                "timeouts.create",
            ),
        ];
        for (name, value, expected) in cases {
            let faults = check(&config().with(name, value));
            assert_eq!(faults.len(), 1, "{name}: {faults}");
            assert!(faults.to_string().contains(expected), "{faults}");
            assert_eq!(
                faults
                    .iter()
                    .next()
                    .and_then(|d| d.path.as_ref())
                    .and_then(AttributePath::top),
                Some(name)
            );
        }
    }

    #[test]
    fn a_fixed_pool_has_one_number_of_nodes() {
        let faults = check(
            &config()
                .with("autoscale", false)
                .with("min_nodes", 2)
                .with("max_nodes", 4),
        );
        assert!(
            faults.to_string().contains("equal to min_nodes"),
            "{faults}"
        );
    }
}
