//! What a user wants of a platform, read and checked as far as no account is needed for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipnet::Ipv4Net;
use tfplugin::value::{Attr, FromValue};
use tfplugin::{AttributePath, Diagnostics, Object, ValueError};

use super::components::ComponentSetting;
use crate::bootstrap_place;
use crate::environments::{Choice, EnvironmentPolicy};
use crate::fault::{self, Fault};
use crate::kubernetes_version::Constraint;
use crate::mark::PlatformId;
use crate::nearest::allowed_words;
use crate::stock::Accepted;
use crate::{duration, network};

/// Most nodes that a pool may have.
pub(crate) const MOST_NODES: u32 = 99;

/// The first pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SystemPool {
    pub(crate) plans: Accepted,
    pub(crate) min: u32,
    pub(crate) max: u32,
}

impl SystemPool {
    /// Reads it from a known value.
    fn read(object: &Object) -> Result<Self, ValueError> {
        Ok(Self {
            plans: Accepted::to_make(object)?,
            min: object.get("min_nodes")?,
            max: object.get("max_nodes")?,
        })
    }
}

/// What a destroy does with things made from inside the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnDestroy {
    pub(crate) delete_volumes: bool,
    pub(crate) delete_load_balancers: bool,
}

/// How long an operation may take.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

impl Operation {
    const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn default(self) -> Duration {
        Duration::from_mins(match self {
            Self::Create => 90,
            Self::Update => 60,
            Self::Delete => 30,
        })
    }
}

/// A platform as it is wanted, every value known.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) id: PlatformId,
    pub(crate) region: String,
    pub(crate) domain: String,
    pub(crate) build: String,
    pub(crate) high_availability: bool,
    pub(crate) network: Ipv4Net,
    pub(crate) system_pool: SystemPool,
    pub(crate) components: BTreeMap<String, ComponentSetting>,
    pub(crate) secrets_version: u64,
}

impl Settings {
    /// Reads a planned state, whose settings are all known by then.
    pub(crate) fn read(planned: &Object) -> Result<Self, Diagnostics> {
        let name: String = planned.get("name")?;
        let cidr: String = planned.get("network_cidr")?;
        Ok(Self {
            id: PlatformId::parse(&name).map_err(|bad| bad_name(&bad.to_string()))?,
            region: planned.get("region")?,
            domain: planned.get("domain")?,
            build: planned.get("kubernetes_build")?,
            high_availability: planned.get("high_availability")?,
            network: network::parse(&cidr).map_err(|bad| bad_network(&bad))?,
            system_pool: SystemPool::read(&planned.get("system_pool")?)?,
            components: planned.get::<Option<_>>("components")?.unwrap_or_default(),
            secrets_version: planned
                .get::<Option<u64>>("component_secrets_wo_version")?
                .unwrap_or(0),
        })
    }
}

/// The policies of a destroy, from a state.
pub(crate) fn on_destroy(state: &Object) -> Result<OnDestroy, ValueError> {
    let policy = state
        .get::<Option<Object>>("on_destroy")?
        .unwrap_or_default();
    let word = |name: &str| policy.get::<Option<String>>(name);
    Ok(OnDestroy {
        delete_volumes: word("volumes")?.as_deref() == Some("delete"),
        delete_load_balancers: word("load_balancers")?.as_deref() != Some("retain"),
    })
}

/// What a destroy does with environments, from a state.
pub(crate) fn environments_on_destroy(state: &Object) -> Result<Choice, ValueError> {
    let policy = state
        .get::<Option<Object>>("on_destroy")?
        .unwrap_or_default();
    Ok(Choice {
        policy: EnvironmentPolicy::of(policy.get::<Option<String>>("environments")?.as_deref()),
        confirmed: policy
            .get::<Option<BTreeSet<String>>>("confirm_environments")?
            .unwrap_or_default(),
        handover_file: policy.get("handover_file")?,
    })
}

/// How long an operation may take, from a state.
pub(crate) fn timeout(state: &Object, operation: Operation) -> Result<Duration, Diagnostics> {
    let timeouts = state.get::<Option<Object>>("timeouts")?.unwrap_or_default();
    match timeouts.get::<Option<String>>(operation.name())? {
        None => Ok(operation.default()),
        Some(text) => {
            duration::parse(&text).map_err(|why| bad_timeout(operation.name(), &why).into())
        }
    }
}

/// Everything wrong with a configuration that can be known without an account. Unknown values are passed over.
pub(crate) fn check(config: &Object) -> Diagnostics {
    let mut faults = Diagnostics::new();
    if let Some(name) = known::<String>(config, "name", &mut faults)
        && let Err(bad) = PlatformId::parse(&name)
    {
        faults.append(bad_name(&bad.to_string()));
    }
    if let Some(domain) = known::<String>(config, "domain", &mut faults)
        && !is_domain(&domain)
    {
        faults.append(Fault::new(fault::BAD_DOMAIN, format!("domain is {domain:?}. Write a DNS name in lower case with at least two labels, such as \"platform.acme.example\".")).at("domain"));
    }
    if let Some(text) = known::<String>(config, "kubernetes_version", &mut faults)
        && let Err(bad) = Constraint::parse(&text)
    {
        faults.append(
            Fault::new(fault::NO_BUILD, format!("kubernetes_version: {bad}."))
                .at("kubernetes_version"),
        );
    }
    if let Some(cidr) = known::<String>(config, "network_cidr", &mut faults)
        && let Err(bad) = network::parse(&cidr)
    {
        faults.append(bad_network(&bad));
    }
    check_pool(config, &mut faults);
    check_choices(config, &mut faults);
    bootstrap_place::check(config, &mut faults);
    check_timeouts(config, &mut faults);
    faults
}

fn check_pool(config: &Object, faults: &mut Diagnostics) {
    let Some(pool) = known::<Object>(config, "system_pool", faults) else {
        return;
    };
    let count = |name: &str, faults: &mut Diagnostics| known::<i64>(&pool, name, faults);
    let (min, max) = (count("min_nodes", faults), count("max_nodes", faults));
    if let Some(why) = bad_counts(min, max) {
        faults
            .append(Fault::new(fault::BAD_COUNT, format!("system_pool: {why}")).at("system_pool"));
    }
}

/// Why a pair of node counts cannot be, if it cannot; a count that is not known is not judged.
pub(crate) fn bad_counts(min: Option<i64>, max: Option<i64>) -> Option<String> {
    let most = i64::from(MOST_NODES);
    for (name, count) in [("min_nodes", min), ("max_nodes", max)] {
        if let Some(count) = count
            && !(1..=most).contains(&count)
        {
            return Some(format!(
                "{name} is {count}. Allowed: 1 to {most}; Vultr scales no pool to zero."
            ));
        }
    }
    match (min, max) {
        (Some(min), Some(max)) if min > max => Some(format!(
            "min_nodes is {min} and max_nodes is {max}. Allowed: min_nodes of at most max_nodes."
        )),
        _ => None,
    }
}

fn check_choices(config: &Object, faults: &mut Diagnostics) {
    let Some(policy) = known::<Object>(config, "on_destroy", faults) else {
        return;
    };
    let environments = EnvironmentPolicy::ALL.map(EnvironmentPolicy::as_str);
    for (name, allowed) in [
        ("environments", &environments[..]),
        ("volumes", &["retain", "delete"]),
        ("load_balancers", &["delete", "retain"]),
    ] {
        if let Some(word) = known::<String>(&policy, name, faults)
            && !allowed.contains(&word.as_str())
        {
            let words = allowed_words(&word, allowed.iter().copied());
            faults.append(
                Fault::new(
                    fault::BAD_CHOICE,
                    format!("on_destroy.{name} is {word:?}. {words}"),
                )
                .at("on_destroy"),
            );
        }
    }
    let drains_all = known::<String>(&policy, "environments", faults)
        .is_some_and(|word| word == EnvironmentPolicy::DrainAll.as_str());
    if drains_all && policy.is_null("confirm_environments") {
        faults.append(
            Fault::new(
                fault::BAD_CHOICE,
                "on_destroy.environments is \"drain_all\", which withdraws the environments that confirm_environments names, and it names none. Write every environment of the platform there; data \"slipway_environments\" lists them.",
            )
            .at("on_destroy"),
        );
    }
}

fn check_timeouts(config: &Object, faults: &mut Diagnostics) {
    let Some(timeouts) = known::<Object>(config, "timeouts", faults) else {
        return;
    };
    for operation in Operation::ALL {
        if let Some(text) = known::<String>(&timeouts, operation.name(), faults)
            && let Err(why) = duration::parse(&text)
        {
            faults.append(bad_timeout(operation.name(), &why));
        }
    }
}

/// The value of an attribute if it is known and set; a value of a wrong type is a fault.
pub(crate) fn known<T: FromValue>(
    object: &Object,
    name: &str,
    faults: &mut Diagnostics,
) -> Option<T> {
    faults
        .collect(object.get::<Attr<T>>(name))
        .and_then(Attr::known)
}

fn bad_name(why: &str) -> Fault {
    Fault::new(fault::BAD_NAME, format!("name: {why}.")).at("name")
}

pub(crate) fn bad_network(why: &network::BadNetwork) -> Fault {
    Fault::new(fault::BAD_NETWORK, format!("network_cidr: {why}.")).at("network_cidr")
}

fn bad_timeout(name: &str, why: &str) -> Fault {
    Fault::new(fault::BAD_TIMEOUT, format!("timeouts.{name}: {why}."))
        .at(AttributePath::from("timeouts"))
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tfplugin::{IntoValue, Value};

    fn good() -> Object {
        Object::new()
            .with("name", "acme")
            .with("region", "ams")
            .with("domain", "platform.acme.example")
            .with("kubernetes_version", "1.36")
            .with("network_cidr", "10.20.0.0/20")
            .with(
                "system_pool",
                Object::new()
                    .with("plan", "vc2-4c-8gb")
                    .with("min_nodes", 3)
                    .with("max_nodes", 5),
            )
    }

    fn told(config: &Object) -> String {
        check(config).to_string()
    }

    #[test]
    fn a_good_configuration_has_nothing_to_say() {
        assert_eq!(told(&good()), "");
    }

    #[test]
    fn every_bad_setting_names_its_attribute_and_what_is_allowed() {
        let pool = |min: i64, max: i64| {
            Object::new()
                .with("plan", "p")
                .with("min_nodes", min)
                .with("max_nodes", max)
                .into_value()
        };
        let cases: [(&str, Value, &str); 9] = [
            ("name", "Acme".into_value(), "lower-case"),
            ("domain", "acme".into_value(), "at least two labels"),
            ("kubernetes_version", "latest".into_value(), "write a minor"),
            ("network_cidr", "8.8.8.0/24".into_value(), "not private"),
            ("system_pool", pool(0, 3), "Allowed: 1 to 99"),
            ("system_pool", pool(5, 3), "at most max_nodes"),
            (
                "on_destroy",
                Object::new().with("volumes", "delte").into_value(),
                "Did you mean \"delete\"?",
            ),
            (
                "on_destroy",
                Object::new().with("environments", "drain_all").into_value(),
                "confirm_environments",
            ),
            (
                "timeouts",
                Object::new().with("create", "soon").into_value(),
                "timeouts.create",
            ),
        ];
        for (name, value, expected) in cases {
            let config = good().with(name, value);
            let faults = check(&config);
            assert_eq!(faults.len(), 1, "{name}: {faults}");
            let text = faults.to_string();
            assert!(text.contains(expected), "{name}: {text}");
            assert_eq!(
                faults.iter().next().and_then(|d| d.path.clone()),
                Some(AttributePath::from(name))
            );
        }
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        let mut config = good();
        for name in [
            "name",
            "domain",
            "kubernetes_version",
            "network_cidr",
            "system_pool",
            "on_destroy",
            "timeouts",
        ] {
            config.set_unknown(name);
        }
        assert_eq!(told(&config), "");
    }

    #[test]
    fn policies_default_to_keeping_data() {
        let policy = on_destroy(&good()).unwrap();
        assert!(policy.delete_load_balancers && !policy.delete_volumes);
        let choice = environments_on_destroy(&good()).unwrap();
        assert_eq!(choice.policy, EnvironmentPolicy::Refuse);
    }
}
