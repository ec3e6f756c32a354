//! Reading a claim strictly: nothing guessed, nothing passed over, every fault at once.

use crate::claim::{Claim, GitSource};
use crate::environment_type::EnvironmentType;
use crate::expiry::SUE_LIFETIME;
use crate::fault::{FaultKind, Faults, nearest, pointer};
use crate::json::document;
use crate::name::{EnvironmentName, POOL_NAME, SERVICE_NAME};
use crate::service::Service;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A claim as a person asks for it: who asked and when may still be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who asks.
    pub user: Option<String>,
    /// Whose budget and rights it lives in.
    pub environment_pool: String,
    /// When it was asked for.
    pub creation_date: Option<Timestamp>,
    /// Its identity.
    pub environment_name: EnvironmentName,
    /// What it is for.
    pub environment_type: EnvironmentType,
    /// When it ends.
    pub expiration_date: Option<Timestamp>,
    /// The services that run in it.
    pub services: BTreeMap<String, Service>,
    /// Where it is managed, if in Git.
    pub git: Option<GitSource>,
}

const FIELDS: [&str; 10] = [
    "user",
    "environment_pool",
    "creation_date",
    "environment_name",
    "environment_type",
    "expiration_date",
    "services",
    "deployment_method",
    "git_repository",
    "branch",
];

impl Draft {
    /// Reads JSON text.
    pub fn read(json: &[u8]) -> Result<Self, Faults> {
        Self::read_as(Stage::Asked, json)
    }

    pub(crate) fn read_as(stage: Stage, json: &[u8]) -> Result<Self, Faults> {
        let (value, mut faults) = document(json)?;
        match Self::from_value_as(stage, &value) {
            Ok(draft) => faults.or(draft),
            Err(more) => {
                faults.0.extend(more.0);
                Err(faults)
            }
        }
    }

    /// Reads a JSON value.
    pub fn from_value(value: &Value) -> Result<Self, Faults> {
        Self::from_value_as(Stage::Asked, value)
    }

    fn from_value_as(stage: Stage, value: &Value) -> Result<Self, Faults> {
        let object = value
            .as_object()
            .ok_or_else(|| Faults::one("", "must be a JSON object".to_owned()))?;
        let mut reader = Reader {
            stage,
            object,
            faults: Faults::default(),
        };
        reader.refuse_unknown_fields();
        let user = reader.user();
        let environment_pool = reader.pool();
        let creation_date = reader.creation_date();
        let environment_name = reader.name();
        let environment_type = reader.environment_type();
        let expiration_date = reader.date("expiration_date");
        let services = reader.services();
        let git = reader.git();
        reader.check_end(environment_type, creation_date, expiration_date);

        let Reader { faults, .. } = reader;
        let (
            Some(environment_pool),
            Some(environment_name),
            Some(environment_type),
            Some(services),
        ) = (
            environment_pool,
            environment_name,
            environment_type,
            services,
        )
        else {
            return Err(faults);
        };
        let draft = Self {
            user,
            environment_pool,
            creation_date,
            environment_name,
            environment_type,
            expiration_date,
            services,
            git,
        };
        faults.or(draft)
    }

    /// Completes the draft at the moment it is accepted. The draft's own user and date win, an evaluation gets its end.
    pub fn complete(self, user: &str, now: Timestamp) -> Result<Claim, Faults> {
        if self.expiration_date.is_some_and(|end| end <= now) {
            return Err(Faults::one(
                "/expiration_date",
                format!("is not after now ({now})"),
            ));
        }
        let accepted = whole_seconds(now);
        let creation_date = self.creation_date.unwrap_or(accepted);
        // From the later of the two, so that an old date on a new claim does not end it at once.
        let end = |lifetime| accepted.max(creation_date).checked_add(lifetime).ok();
        let lifetime = self.environment_type.profile().lifetime;
        let expiration_date = self.expiration_date.or_else(|| lifetime.and_then(end));
        let user = self.user.clone().or_else(|| Some(user.to_owned()));
        Self {
            user,
            creation_date: Some(creation_date),
            expiration_date,
            ..self
        }
        .into_complete()
    }

    /// The claim, if nothing is open.
    pub(crate) fn into_complete(self) -> Result<Claim, Faults> {
        let mut faults = Faults::default();
        if self.user.is_none() {
            faults.add("/user", FaultKind::Missing, "is missing".to_owned());
        }
        if self.creation_date.is_none() {
            faults.add(
                "/creation_date",
                FaultKind::Missing,
                "is missing".to_owned(),
            );
        }
        let (Some(user), Some(creation_date)) = (self.user, self.creation_date) else {
            return Err(faults);
        };
        Ok(Claim {
            user,
            environment_pool: self.environment_pool,
            creation_date,
            environment_name: self.environment_name,
            environment_type: self.environment_type,
            expiration_date: self.expiration_date,
            services: self.services,
            git: self.git,
        })
    }
}

fn whole_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// How far a claim has come: what is filled in on acceptance may still be open before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Asked,
    Accepted,
}

struct Reader<'a> {
    stage: Stage,
    object: &'a Map<String, Value>,
    faults: Faults,
}

impl<'a> Reader<'a> {
    fn refuse_unknown_fields(&mut self) {
        for key in self
            .object
            .keys()
            .filter(|key| !FIELDS.contains(&key.as_str()))
        {
            let message = format!(
                "is not a field of a claim{}; allowed: {}",
                nearest(key, &FIELDS),
                FIELDS.join(", ")
            );
            self.faults
                .add(&pointer("", key), FaultKind::Unknown, message);
        }
    }

    fn invalid(&mut self, field: &str, message: impl Into<String>) {
        self.faults
            .add(&pointer("", field), FaultKind::Invalid, message.into());
    }

    /// The field's text; `null` is the same as not there.
    fn text(&mut self, field: &str) -> Option<&'a str> {
        match self.object.get(field) {
            Some(Value::String(text)) => Some(text),
            None | Some(Value::Null) => None,
            Some(_) => {
                self.invalid(field, "must be a text");
                None
            }
        }
    }

    fn required(&mut self, field: &str) -> Option<&'a str> {
        if matches!(self.object.get(field), None | Some(Value::Null)) {
            self.faults.add(
                &pointer("", field),
                FaultKind::Missing,
                "is missing".to_owned(),
            );
        }
        self.text(field)
    }

    /// A field that acceptance fills in.
    fn filled_in(&mut self, field: &str) -> Option<&'a str> {
        match self.stage {
            Stage::Asked => self.text(field),
            Stage::Accepted => self.required(field),
        }
    }

    fn user(&mut self) -> Option<String> {
        let user = self.filled_in("user")?;
        let length = user.chars().count();
        if length == 0 || length > 254 || user.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            self.invalid(
                "user",
                "must be 1 to 254 characters without spaces, such as john.doe@company.com",
            );
            return None;
        }
        Some(user.to_owned())
    }

    fn pool(&mut self) -> Option<String> {
        let pool = self.required("environment_pool")?;
        match POOL_NAME.check(pool) {
            Ok(()) => Some(pool.to_owned()),
            Err(error) => {
                self.invalid("environment_pool", error.to_string());
                None
            }
        }
    }

    fn name(&mut self) -> Option<EnvironmentName> {
        let name = self.required("environment_name")?;
        name.parse()
            .map_err(|error| self.invalid("environment_name", format!("{error}")))
            .ok()
    }

    fn environment_type(&mut self) -> Option<EnvironmentType> {
        let word = self.required("environment_type")?;
        word.parse()
            .map_err(|error: String| self.invalid("environment_type", error))
            .ok()
    }

    fn creation_date(&mut self) -> Option<Timestamp> {
        let text = self.filled_in("creation_date")?;
        self.read_date("creation_date", text)
    }

    fn date(&mut self, field: &str) -> Option<Timestamp> {
        let text = self.text(field)?;
        self.read_date(field, text)
    }

    fn read_date(&mut self, field: &str, text: &str) -> Option<Timestamp> {
        let date = text.parse().ok().filter(|_| is_rfc3339(text));
        if date.is_none() {
            self.invalid(
                field,
                format!("`{text}` is not a date such as 2024-01-15T10:30:00Z"),
            );
        }
        date
    }

    fn services(&mut self) -> Option<BTreeMap<String, Service>> {
        let object = match self.object.get("services") {
            Some(Value::Object(object)) => object,
            None | Some(Value::Null) => {
                self.faults
                    .add("/services", FaultKind::Missing, "is missing".to_owned());
                return None;
            }
            Some(_) => {
                self.invalid(
                    "services",
                    "must be an object of names and version constraints",
                );
                return None;
            }
        };
        let mut services = BTreeMap::new();
        for (name, value) in object {
            let place = pointer("/services", name);
            if let Err(error) = SERVICE_NAME.check(name) {
                self.faults
                    .add(&place, FaultKind::Invalid, error.to_string());
            }
            if let Some(service) = Service::read(&place, value, &mut self.faults) {
                services.insert(name.clone(), service);
            }
        }
        Some(services)
    }

    /// The Git source: all of its three fields or none.
    fn git(&mut self) -> Option<GitSource> {
        let method = self.text("deployment_method");
        if let Some(other) = method.filter(|method| *method != "git") {
            let near = nearest(other, &["git"]);
            self.invalid(
                "deployment_method",
                format!("`{other}` is not a deployment method{near}; allowed: git, or none"),
            );
            return None;
        }
        if method.is_none() {
            for field in ["git_repository", "branch"] {
                if self.text(field).is_some() {
                    self.invalid(
                        field,
                        "is only for claims with \"deployment_method\": \"git\"",
                    );
                }
            }
            return None;
        }
        let repository = self.required("git_repository");
        let branch = self.required("branch");
        for (field, text) in [("git_repository", repository), ("branch", branch)] {
            if text.is_some_and(|text| {
                text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control())
            }) {
                self.invalid(field, "must not be empty or hold spaces");
            }
        }
        Some(GitSource {
            repository: repository?.to_owned(),
            branch: branch?.to_owned(),
        })
    }

    fn check_end(
        &mut self,
        kind: Option<EnvironmentType>,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
    ) {
        let (Some(kind), Some(end)) = (kind, end) else {
            return;
        };
        if kind.profile().lifetime.is_none() {
            let message =
                format!("a {kind} environment never expires; leave it null, or use type sue");
            self.invalid("expiration_date", message);
        } else if start.is_some_and(|start| end <= start) {
            let message = format!(
                "is not after creation_date; leave it null for {} hours",
                SUE_LIFETIME.as_hours()
            );
            self.invalid("expiration_date", message);
        }
    }
}

/// The parser of dates takes more than RFC 3339 does; claims do not.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = |index: usize, wanted: u8| {
        bytes
            .get(index)
            .is_some_and(|byte| byte.eq_ignore_ascii_case(&wanted))
    };
    let zone = text.ends_with(['Z', 'z'])
        || bytes.len() > 6 && matches!(bytes[bytes.len() - 6], b'+' | b'-');
    zone && shape(4, b'-')
        && shape(7, b'-')
        && shape(10, b'T')
        && shape(13, b':')
        && shape(16, b':')
}

#[cfg(test)]
mod tests;
