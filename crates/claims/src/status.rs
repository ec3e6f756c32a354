//! What has become of a claim: written by the controller beside the claims, read by everybody who waits or looks.

use crate::constraint::Constraint;
use crate::fault::{FaultKind, Faults, nearest, pointer};
use crate::fields::{Fields, by_name};
use crate::json::document;
use crate::name::{EnvironmentName, SERVICE_NAME};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How it stands with one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The environment; for a claim that cannot be read, the name that its object's key promises.
    pub environment_name: EnvironmentName,
    /// The claim that this is about. One that has changed since has no status yet.
    pub source: Source,
    /// How far it is.
    pub phase: Phase,
    /// Since when it is in this phase.
    pub since: Timestamp,
    /// When this phase should be over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Why it is in this phase. A phase in which nothing moves always says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocker: Option<Blocker>,
    /// When the environment ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Its services, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServiceStatus>,
    /// What it costs a month, in US dollars, before tax.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "price_as_text"
    )]
    pub monthly_price: Option<Decimal>,
}

/// The object of a claim, in the state that was acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its contents.
    pub etag: String,
}

/// What an environment waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// Kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The finalizer that has not been taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalizer: Option<String>,
    /// What the cloud calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// How it stands with one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    /// What the claim asks for.
    pub constraint: Constraint,
    /// The version that this was resolved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Whether it runs.
    pub ready: bool,
}

/// How far an environment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Phase {
    /// Accepted; nothing is made yet.
    Pending,
    /// Network, cluster and pools are being made.
    Provisioning,
    /// The cluster is being prepared.
    Bootstrapping,
    /// The services are being rolled out.
    Deploying,
    /// Everything runs.
    Ready,
    /// It was ready, and something does not run.
    Degraded,
    /// Its time is over.
    Expired,
    /// It is being taken down.
    Draining,
    /// Nothing of it is left.
    Deleted,
    /// The claim is not one that could be met.
    Rejected,
    /// It goes on only when somebody does something.
    Blocked,
}

/// What somebody who waits for [`Phase::Ready`] does in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// Ready: waits no longer.
    Reached,
    /// Goes on waiting: the platform is at work.
    Underway,
    /// Gives up: it does not become ready by waiting.
    Lost,
}

const FIELDS: [&str; 10] = [
    "environment_name",
    "source",
    "phase",
    "since",
    "deadline",
    "reason",
    "blocker",
    "expires_at",
    "services",
    "monthly_price",
];

impl Status {
    /// Reads a status; every fault is reported at once.
    pub fn read(json: &[u8]) -> Result<Self, Faults> {
        let (value, faults) = document(json)?;
        Self::from_value_with(&value, faults)
    }

    /// Reads a status that is part of a larger answer.
    pub fn from_value(value: &Value) -> Result<Self, Faults> {
        Self::from_value_with(value, Faults::default())
    }

    /// The status as it stands in its bucket.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Only a map with keys that are no texts could fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn from_value_with(value: &Value, mut faults: Faults) -> Result<Self, Faults> {
        let Some(object) = value.as_object() else {
            faults.add("", FaultKind::Invalid, "must be a JSON object".to_owned());
            return Err(faults);
        };
        let read = Self::from_object(object, &mut faults);
        match (read, faults) {
            (Some(status), faults) => faults.or(status),
            (None, faults) => Err(faults),
        }
    }

    fn from_object(object: &Map<String, Value>, faults: &mut Faults) -> Option<Self> {
        let mut fields = Fields::of("a status", &FIELDS, "", object, faults);
        let environment_name = fields.required_as("environment_name");
        let source = Source::read(&mut fields);
        let phase = fields.required_as::<Phase>("phase");
        let since = fields.required_date("since");
        let deadline = fields.date("deadline");
        let reason = fields.text("reason").map(str::to_owned);
        let blocker = Blocker::read(&mut fields);
        let expires_at = fields.date("expires_at");
        let services = ServiceStatus::read_all(&mut fields);
        let monthly_price = price(&mut fields);
        if phase.is_some_and(Phase::must_say_why) && reason.as_ref().is_none_or(String::is_empty) {
            fields.invalid(
                "reason",
                "must say why, in a phase that is none of progress",
            );
        }
        Some(Self {
            environment_name: environment_name?,
            source: source?,
            phase: phase?,
            since: since?,
            deadline,
            reason,
            blocker,
            expires_at,
            services,
            monthly_price,
        })
    }
}

impl Source {
    fn read(of: &mut Fields<'_, '_>) -> Option<Self> {
        const FIELDS: [&str; 3] = ["bucket", "key", "etag"];
        let object = of.required_object("source", "bucket, key and etag")?;
        let place = of.place("source");
        let mut fields = Fields::of("a source", &FIELDS, &place, object, of.faults());
        let [bucket, key, etag] = FIELDS.map(|field| fields.required(field).map(str::to_owned));
        Some(Self {
            bucket: bucket?,
            key: key?,
            etag: etag?,
        })
    }
}

impl Blocker {
    fn read(of: &mut Fields<'_, '_>) -> Option<Self> {
        const FIELDS: [&str; 4] = ["kind", "name", "finalizer", "external_id"];
        let object = of.object("blocker", "kind and name")?;
        let place = of.place("blocker");
        let mut fields = Fields::of("a blocker", &FIELDS, &place, object, of.faults());
        let [kind, name] = ["kind", "name"].map(|field| fields.required(field).map(str::to_owned));
        let [finalizer, external_id] =
            ["finalizer", "external_id"].map(|field| fields.text(field).map(str::to_owned));
        Some(Self {
            kind: kind?,
            name: name?,
            finalizer,
            external_id,
        })
    }
}

impl ServiceStatus {
    fn read_all(of: &mut Fields<'_, '_>) -> BTreeMap<String, Self> {
        let Some(object) = of.object("services", "names and how it stands with each") else {
            return BTreeMap::new();
        };
        let place = of.place("services");
        let entries = by_name(object).into_iter().filter_map(|(name, value)| {
            let place = pointer(&place, name);
            if let Err(error) = SERVICE_NAME.check(name) {
                of.faults()
                    .add(&place, FaultKind::Invalid, error.to_string());
            }
            Self::read(&place, value, of.faults()).map(|service| (name.clone(), service))
        });
        entries.collect()
    }

    fn read(place: &str, value: &Value, faults: &mut Faults) -> Option<Self> {
        let Some(object) = value.as_object() else {
            let message = "must be an object of constraint, tag and ready";
            faults.add(place, FaultKind::Invalid, message.to_owned());
            return None;
        };
        let allowed = ["constraint", "tag", "ready"];
        let mut fields = Fields::of("a service's status", &allowed, place, object, faults);
        let constraint = fields.required_as("constraint");
        let tag = fields.text("tag").map(str::to_owned);
        let ready = fields.flag("ready");
        Some(Self {
            constraint: constraint?,
            tag,
            ready,
        })
    }
}

fn price(fields: &mut Fields<'_, '_>) -> Option<Decimal> {
    let text = fields.text("monthly_price")?;
    let price = text
        .parse::<Decimal>()
        .ok()
        .filter(|price| !price.is_sign_negative());
    if price.is_none() {
        fields.invalid(
            "monthly_price",
            format!("`{text}` is not a price such as \"86.40\""),
        );
    }
    price
}

/// As a text: a number of JSON may lose its last digits on the way.
#[expect(clippy::ref_option, reason = "serde hands it over like this")]
fn price_as_text<S: Serializer>(price: &Option<Decimal>, to: S) -> Result<S::Ok, S::Error> {
    price.map(|price| price.to_string()).serialize(to)
}

impl Phase {
    /// All phases, in the order in which an environment that fares well goes through them.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Provisioning,
        Self::Bootstrapping,
        Self::Deploying,
        Self::Ready,
        Self::Degraded,
        Self::Expired,
        Self::Draining,
        Self::Deleted,
        Self::Rejected,
        Self::Blocked,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Provisioning => "Provisioning",
            Self::Bootstrapping => "Bootstrapping",
            Self::Deploying => "Deploying",
            Self::Ready => "Ready",
            Self::Degraded => "Degraded",
            Self::Expired => "Expired",
            Self::Draining => "Draining",
            Self::Deleted => "Deleted",
            Self::Rejected => "Rejected",
            Self::Blocked => "Blocked",
        }
    }

    /// What somebody who waits for the environment does.
    #[must_use]
    pub const fn prospect(self) -> Prospect {
        match self {
            Self::Ready => Prospect::Reached,
            Self::Pending
            | Self::Provisioning
            | Self::Bootstrapping
            | Self::Deploying
            | Self::Degraded => Prospect::Underway,
            Self::Expired | Self::Draining | Self::Deleted | Self::Rejected | Self::Blocked => {
                Prospect::Lost
            }
        }
    }

    const fn must_say_why(self) -> bool {
        matches!(self, Self::Degraded | Self::Rejected | Self::Blocked)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    /// What to tell whoever wrote it.
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or_else(|| {
                let allowed = Self::ALL.map(Self::as_str);
                let near = nearest(word, &allowed);
                format!(
                    "`{word}` is not a phase{near}; allowed: {}",
                    allowed.join(", ")
                )
            })
    }
}

#[cfg(test)]
mod tests;
