//! One service of an environment: a version constraint, or a version with its two artifacts.

use crate::constraint::Constraint;
use crate::fault::{FaultKind, Faults, pointer};
use crate::fields::Fields;
use serde_json::{Map, Value, json};

/// What a claim says of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Whatever version satisfies the constraint.
    Constraint(Constraint),
    /// One version, with its artifacts named.
    Artifacts {
        /// The version both artifacts have: an exact one.
        version: Box<Constraint>,
        /// Reference of the container image.
        docker_image: String,
        /// Reference of the OCI artifact with the Ansible playbooks.
        ansible_artifact: String,
    },
}

const FIELDS: [&str; 3] = ["version", "docker_image", "ansible_artifact"];

impl Service {
    /// The constraint, whichever form the claim used.
    #[must_use]
    pub const fn constraint(&self) -> &Constraint {
        match self {
            Self::Constraint(constraint) => constraint,
            Self::Artifacts { version, .. } => version,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Constraint(constraint) => Value::from(constraint.to_string()),
            Self::Artifacts {
                version,
                docker_image,
                ansible_artifact,
            } => json!({
                "version": version.to_string(),
                "docker_image": docker_image,
                "ansible_artifact": ansible_artifact,
            }),
        }
    }

    pub(crate) fn read(place: &str, value: &Value, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::String(text) => constraint(place, text, faults).map(Self::Constraint),
            Value::Object(object) => Self::read_artifacts(place, object, faults),
            _ => {
                let message = "must be a version constraint or an object with version, docker_image and ansible_artifact";
                faults.add(place, FaultKind::Invalid, message.to_owned());
                None
            }
        }
    }

    fn read_artifacts(
        place: &str,
        object: &Map<String, Value>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let mut fields = Fields::of("a service", &FIELDS, place, object, faults);
        let [version, docker_image, ansible_artifact] = FIELDS.map(|field| fields.required(field));
        let version = version.and_then(|text| exact(&pointer(place, "version"), text, faults));
        let docker_image =
            docker_image.and_then(|text| reference(&pointer(place, "docker_image"), text, faults));
        let ansible_artifact = ansible_artifact
            .and_then(|text| reference(&pointer(place, "ansible_artifact"), text, faults));
        Some(Self::Artifacts {
            version: Box::new(version?),
            docker_image: docker_image?,
            ansible_artifact: ansible_artifact?,
        })
    }
}

fn constraint(place: &str, text: &str, faults: &mut Faults) -> Option<Constraint> {
    let read = text.parse::<Constraint>();
    read.map_err(|error| faults.add(place, FaultKind::Invalid, error.to_string()))
        .ok()
}

fn exact(place: &str, text: &str, faults: &mut Faults) -> Option<Constraint> {
    let constraint = constraint(place, text, faults)?;
    if matches!(constraint, Constraint::Exact(_)) {
        return Some(constraint);
    }
    let message = format!("`{text}` must be one exact version, because the artifacts are named");
    faults.add(place, FaultKind::Invalid, message);
    None
}

/// A registry reference must say which build it means, by tag or digest.
fn reference(place: &str, text: &str, faults: &mut Faults) -> Option<String> {
    let last = text.rsplit('/').next().unwrap_or_default();
    let named = last
        .split_once([':', '@'])
        .is_some_and(|(name, build)| !name.is_empty() && !build.is_empty());
    if named && text.chars().all(|c| c.is_ascii_graphic()) {
        return Some(text.to_owned());
    }
    let message = format!(
        "`{text}` is not a reference like `repository/name:tag` or `repository/name@sha256:…`"
    );
    faults.add(place, FaultKind::Invalid, message);
    None
}
