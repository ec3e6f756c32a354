//! A complete claim, and the one way it is written down.

use crate::constraint::Constraint;
use crate::draft::{Draft, Stage};
use crate::environment_type::EnvironmentType;
use crate::fault::{Faults, pointer};
use crate::name::EnvironmentName;
use crate::service::Service;
use crate::services::Services;
use jiff::Timestamp;
use serde_json::Value;

/// What somebody asked for, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who asked. Said by the claim itself, so never proof of anything.
    pub user: String,
    /// Whose budget and rights it lives in.
    pub environment_pool: String,
    /// When it was asked for.
    pub creation_date: Timestamp,
    /// Its identity.
    pub environment_name: EnvironmentName,
    /// What it is for.
    pub environment_type: EnvironmentType,
    /// When it ends; only an evaluation does.
    pub expiration_date: Option<Timestamp>,
    /// The services that run in it, by name.
    pub services: Services,
    /// Where it is managed, if in Git.
    pub git: Option<GitSource>,
}

/// Where a static environment is managed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSource {
    /// Address of the repository.
    pub repository: String,
    /// Its branch.
    pub branch: String,
}

/// Something allowed that its author may not have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// JSON pointer to the place.
    pub pointer: String,
    /// What to consider.
    pub message: String,
}

impl Claim {
    /// Reads a complete claim; every fault is reported at once.
    pub fn read(json: &[u8]) -> Result<Self, Faults> {
        Draft::read_as(Stage::Accepted, json)?.into_complete()
    }

    /// The claim as it stands in the bucket: fields in the order of the text, services by name, two spaces, one line
    /// end at the end. Equal claims are equal bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let services = self
            .services
            .iter()
            .map(|(name, service)| (name.as_str(), service.to_json()));
        let mut fields = vec![
            ("user", Value::from(self.user.as_str())),
            (
                "environment_pool",
                Value::from(self.environment_pool.as_str()),
            ),
            ("creation_date", Value::from(self.creation_date.to_string())),
            (
                "environment_name",
                Value::from(self.environment_name.as_str()),
            ),
            (
                "environment_type",
                Value::from(self.environment_type.as_str()),
            ),
            (
                "expiration_date",
                self.expiration_date.map(|end| end.to_string()).into(),
            ),
        ]
        .into_iter()
        .map(|(name, value)| (name, crate::json::pretty(&value, 1)))
        .collect::<Vec<_>>();
        fields.push((
            "services",
            crate::json::pretty_object(services.map(|(n, v)| (n, crate::json::pretty(&v, 2))), 1),
        ));
        if let Some(git) = &self.git {
            for (name, text) in [
                ("deployment_method", "git"),
                ("git_repository", &git.repository),
                ("branch", &git.branch),
            ] {
                fields.push((name, Value::from(text).to_string()));
            }
        }
        crate::json::pretty_object(fields.into_iter(), 0) + "\n"
    }

    /// What a careful reader would ask about.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let of_service = |(name, service): (&String, &Service)| {
            let constraint = service.constraint();
            let place = pointer("/services", name);
            let caret = constraint.warning();
            let loose = (self.environment_type == EnvironmentType::Prod && !matches!(constraint, Constraint::Exact(_)))
                .then(|| format!("`{constraint}` may change what runs in production by itself; pin a tag such as v1.2.3"));
            caret.into_iter().chain(loose).map(move |message| Warning {
                pointer: place.clone(),
                message,
            })
        };
        self.services.iter().flat_map(of_service).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The claim of the text.
    pub(crate) const TEXT: &str = r#"{
  "user": "john.doe@company.com",
  "environment_pool": "team1",
  "creation_date": "2024-01-15T10:30:00Z",
  "environment_name": "dev-team1-feature-x",
  "environment_type": "dev",
  "expiration_date": null,
  "services": {
    "api-gateway": "v1.0.5",
    "auth-service": "v2.1.0",
    "user-service": "v1.2.3"
  }
}
"#;

    pub(crate) fn sample() -> Claim {
        Claim::read(TEXT.as_bytes()).unwrap()
    }

    #[test]
    fn the_claim_of_the_text_is_written_as_it_stands_there() {
        assert_eq!(sample().to_json(), TEXT);
    }

    #[test]
    fn static_claims_and_artifacts_keep_their_order() {
        let text = r#"{
  "user": "john.doe@company.com",
  "environment_pool": "team1",
  "creation_date": "2024-01-15T10:30:00Z",
  "environment_name": "prod-main",
  "environment_type": "prod",
  "expiration_date": null,
  "services": {
    "user-service": {
      "version": "v1.2.3",
      "docker_image": "artifactory/docker-releases/user-service:v1.2.3",
      "ansible_artifact": "artifactory/oci-releases/user-service-ansible:v1.2.3"
    }
  },
  "deployment_method": "git",
  "git_repository": "https://github.com/company/prod-environments",
  "branch": "main"
}
"#;
        assert_eq!(Claim::read(text.as_bytes()).unwrap().to_json(), text);
    }

    #[test]
    fn no_services_are_an_empty_object() {
        let claim = Claim {
            services: Services::default(),
            ..sample()
        };
        assert!(claim.to_json().contains("\"services\": {}\n"));
        assert_eq!(Claim::read(claim.to_json().as_bytes()).unwrap(), claim);
    }

    #[test]
    fn warnings_name_the_service() {
        let mut claim = sample();
        assert_eq!(claim.warnings(), []);
        let caret = Service::Constraint("^1.0.0.0".parse().unwrap());
        let services = claim.services.iter();
        claim.services = services
            .map(|(name, service)| (name.clone(), service.clone()))
            .chain([("user-service".to_owned(), caret)])
            .collect();
        claim.environment_type = EnvironmentType::Prod;
        let warnings = claim.warnings();
        assert_eq!(warnings.len(), 2);
        assert!(
            warnings
                .iter()
                .all(|warning| warning.pointer == "/services/user-service")
        );
    }
}
