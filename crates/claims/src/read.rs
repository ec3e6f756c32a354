//! Reading a claim strictly: nothing guessed, nothing passed over, every fault at once.

use crate::claim::GitSource;
use crate::draft::{Draft, Stage};
use crate::environment_type::EnvironmentType;
use crate::expiry::check_end;
use crate::fault::{FaultKind, Faults, nearest, pointer};
use crate::fields::{Fields, by_name};
use crate::name::{POOL_NAME, SERVICE_NAME};
use crate::service::Service;
use crate::services::Services;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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

/// The claim in a JSON value; `faults` are those of its text.
pub(crate) fn read_draft(stage: Stage, value: &Value, mut faults: Faults) -> Result<Draft, Faults> {
    let Some(object) = value.as_object() else {
        faults.add("", FaultKind::Invalid, "must be a JSON object".to_owned());
        return Err(faults);
    };
    match read_object(stage, object, &mut faults) {
        Some(draft) => faults.or(draft),
        None => Err(faults),
    }
}

fn read_object(stage: Stage, object: &Map<String, Value>, faults: &mut Faults) -> Option<Draft> {
    let fields = Fields::of("a claim", &FIELDS, "", object, faults);
    let mut claim = ClaimFields { stage, fields };
    let user = claim.user();
    let environment_pool = claim.pool();
    let creation_date = claim.creation_date();
    let environment_name = claim.fields.required_as("environment_name");
    let environment_type = claim.fields.required_as("environment_type");
    let expiration_date = claim.fields.date("expiration_date");
    let services = claim.services();
    let git = claim.git();
    claim.check_end(environment_type, creation_date, expiration_date);
    Some(Draft {
        user,
        environment_pool: environment_pool?,
        creation_date,
        environment_name: environment_name?,
        environment_type: environment_type?,
        expiration_date,
        services: services?,
        git,
    })
}

struct ClaimFields<'json, 'faults> {
    stage: Stage,
    fields: Fields<'json, 'faults>,
}

impl ClaimFields<'_, '_> {
    fn user(&mut self) -> Option<String> {
        let user = match self.stage {
            Stage::Asked => self.fields.text("user"),
            Stage::Accepted => self.fields.required("user"),
        }?;
        let length = user.chars().count();
        if length == 0 || length > 254 || !is_one_word(user) {
            let message =
                "must be 1 to 254 characters without spaces, such as john.doe@company.com";
            self.fields.invalid("user", message);
            return None;
        }
        Some(user.to_owned())
    }

    fn pool(&mut self) -> Option<String> {
        let pool = self.fields.required("environment_pool")?;
        match POOL_NAME.check(pool) {
            Ok(()) => Some(pool.to_owned()),
            Err(error) => {
                self.fields.invalid("environment_pool", error.to_string());
                None
            }
        }
    }

    fn creation_date(&mut self) -> Option<Timestamp> {
        match self.stage {
            Stage::Asked => self.fields.date("creation_date"),
            Stage::Accepted => self.fields.required_date("creation_date"),
        }
    }

    fn services(&mut self) -> Option<Services> {
        let object = self
            .fields
            .required_object("services", "names and version constraints")?;
        let mut services = BTreeMap::new();
        for (name, value) in by_name(object) {
            let place = pointer("/services", name);
            let faults = self.fields.faults();
            if let Err(error) = SERVICE_NAME.check(name) {
                faults.add(&place, FaultKind::Invalid, error.to_string());
            }
            if let Some(service) = Service::read(&place, value, faults) {
                services.insert(name.clone(), service);
            }
        }
        Some(services.into())
    }

    /// The Git source: all of its three fields or none.
    fn git(&mut self) -> Option<GitSource> {
        let method = self.fields.text("deployment_method");
        if let Some(other) = method.filter(|method| *method != "git") {
            let near = nearest(other, &["git"]);
            self.fields.invalid(
                "deployment_method",
                format!("`{other}` is not a deployment method{near}; allowed: git, or none"),
            );
            return None;
        }
        if method.is_none() {
            for field in ["git_repository", "branch"] {
                if self.fields.text(field).is_some() {
                    self.fields.invalid(
                        field,
                        "is only for claims with \"deployment_method\": \"git\"",
                    );
                }
            }
            return None;
        }
        let repository = self.fields.required("git_repository");
        let branch = self.fields.required("branch");
        for (field, text) in [("git_repository", repository), ("branch", branch)] {
            if text.is_some_and(|text| text.is_empty() || !is_one_word(text)) {
                self.fields
                    .invalid(field, "must not be empty or hold spaces");
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
        if let Err(error) = check_end(kind, start, end) {
            self.fields.invalid("expiration_date", error.to_string());
        }
    }
}

fn is_one_word(text: &str) -> bool {
    !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests;
