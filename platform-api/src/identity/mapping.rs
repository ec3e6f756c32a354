//! From what a token says to a principal.

use super::error::IdentityError;
use authz::{AccountKind, Pipeline, Principal, Subject};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How tokens of people are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// The claim with their address.
    pub address_claim: String,
    /// Whether the issuer must vouch for the address (`email_verified`). Turn it off only where people cannot choose
    /// their own address: whoever could would be taken for its owner.
    pub verified_address: bool,
    /// The claim with their groups.
    pub groups_claim: String,
    /// What a group must begin with to be a team; the rest is the team's name. Empty: every group is a team.
    pub team_prefix: String,
    /// Roles that groups give, by the name of the group.
    pub roles: BTreeMap<String, BTreeSet<String>>,
}

/// How tokens of GitLab pipelines are read (`id_tokens`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipelines {
    /// The projects that may come, by their path, each with the teams it acts for.
    pub projects: BTreeMap<String, BTreeSet<String>>,
}

/// A program that may come.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRule {
    /// What it is for: `terraform` or `service`.
    pub kind: ProgramKind,
    /// The teams it acts for.
    #[serde(default)]
    pub teams: BTreeSet<String>,
    /// Its roles.
    #[serde(default)]
    pub roles: BTreeSet<String>,
}

/// What a program is for. Pipelines and unsigned uploads are recognised in other ways and by these only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgramKind {
    /// A Terraform run.
    Terraform,
    /// Another program.
    Service,
}

impl Default for People {
    fn default() -> Self {
        Self {
            address_claim: "email".to_owned(),
            verified_address: true,
            groups_claim: "groups".to_owned(),
            team_prefix: String::new(),
            roles: BTreeMap::new(),
        }
    }
}

/// A claim of a verified token as text.
fn text<'claims>(claims: &'claims Value, name: &str) -> Option<&'claims str> {
    claims[name].as_str().filter(|text| !text.is_empty())
}

/// Whether a claim is true; GitLab writes it as text.
fn is_true(claims: &Value, name: &str) -> bool {
    claims[name] == true || claims[name] == "true"
}

impl People {
    /// The person that a verified token speaks of.
    pub(super) fn read(&self, claims: &Value) -> Result<Principal, IdentityError> {
        let lacks = |why: String| Err(IdentityError::Unknown { why });
        let Some(address) = text(claims, &self.address_claim) else {
            return lacks(format!(
                "it has no claim `{}` with an address",
                self.address_claim
            ));
        };
        if self.verified_address && !is_true(claims, "email_verified") {
            return lacks(
                "the issuer does not vouch for its address (`email_verified`)".to_owned(),
            );
        }
        let groups: BTreeSet<String> = match &claims[&self.groups_claim] {
            Value::Array(names) => names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Value::String(name) => BTreeSet::from([name.clone()]),
            _ => BTreeSet::new(),
        };
        let teams = groups
            .iter()
            .filter_map(|group| group.strip_prefix(&self.team_prefix))
            .filter(|team| !team.is_empty());
        let roles = groups
            .iter()
            .filter_map(|group| self.roles.get(group))
            .flatten();
        let mut principal = Principal::user(address).in_teams(teams).with_roles(roles);
        principal.groups.clone_from(&groups);
        Ok(principal)
    }
}

impl Pipelines {
    /// Whether a token speaks of a pipeline.
    pub(super) fn concerns(claims: &Value) -> bool {
        text(claims, "project_path").is_some() && text(claims, "pipeline_id").is_some()
    }

    /// The pipeline that a verified token speaks of.
    pub(super) fn read(&self, claims: &Value) -> Result<Principal, IdentityError> {
        let project = text(claims, "project_path").unwrap_or_default();
        let Some(teams) = self.projects.get(project) else {
            return Err(IdentityError::Unknown {
                why: format!(
                    "the settings name no project `{}`",
                    crate::identity::token::shortened(project)
                ),
            });
        };
        // Only a branch can be protected in a way that means review; a tag of the same name is another thing.
        let is_branch = text(claims, "ref_type") == Some("branch");
        let mut principal =
            Principal::service_account(project, AccountKind::GitlabCi).in_teams(teams);
        principal.subject = Subject::ServiceAccount {
            name: project.to_owned(),
            kind: AccountKind::GitlabCi,
            pipeline: Some(Pipeline {
                project: project.to_owned(),
                branch: text(claims, "ref").unwrap_or_default().to_owned(),
                protected: is_branch && is_true(claims, "ref_protected"),
            }),
        };
        Ok(principal)
    }
}

impl AccountRule {
    /// The program of this name.
    pub(super) fn principal(&self, name: &str) -> Principal {
        let kind = match self.kind {
            ProgramKind::Terraform => AccountKind::Terraform,
            ProgramKind::Service => AccountKind::Service,
        };
        Principal::service_account(name, kind)
            .in_teams(&self.teams)
            .with_roles(&self.roles)
    }
}

/// When the subject proved who they are: for people their sign-in where the issuer tells it, else the making of the token.
pub(super) fn authenticated_at(claims: &Value) -> Option<Timestamp> {
    let seconds = claims["auth_time"]
        .as_i64()
        .or_else(|| claims["iat"].as_i64())?;
    Timestamp::from_second(seconds).ok()
}
