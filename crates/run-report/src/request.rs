//! What `slipway-bootstrap` is asked to do. Secrets travel here and nowhere else, so nothing in this file prints one.

use crate::PROTOCOL_VERSION;
use crate::catalog::Catalog;
use crate::values;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use uuid::Uuid;

/// One bootstrap run, as it stands on stdin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// [`PROTOCOL_VERSION`].
    pub v: u32,
    /// Names this run in events and journal records.
    pub run: Uuid,
    /// The platform the components belong to.
    pub platform: Platform,
    /// Where Ansible runs.
    pub host: Host,
    /// Access to the platform's cluster.
    pub kubeconfig: SecretString,
    /// Where charts are fetched instead of their own repositories.
    pub chart_mirror: Option<String>,
    /// The components to look at; what is not listed is left alone.
    pub components: Vec<ComponentRequest>,
    /// Secrets by name; a component gets those it declares.
    pub secrets: BTreeMap<String, SecretString>,
    /// Raised by the user when secrets changed, because their values are never compared.
    pub secrets_version: u64,
    /// How long the host may take to answer.
    pub connect_timeout_s: u64,
    /// How long one component may take.
    pub component_timeout_s: u64,
}

/// The platform, as playbooks see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Its id, which is its mark on everything it owns.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The region it lives in.
    pub region: String,
    /// The domain below which its services answer.
    pub domain: String,
}

/// How the machine is reached on which playbooks run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    /// Over SSH: a host of the provider's, or one that was there before.
    #[default]
    Ssh,
    /// It is this machine.
    Local,
}

/// The machine on which playbooks run, and the keys to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// How it is reached; everything below is for SSH.
    #[serde(default)]
    pub connection: Connection,
    /// Name or address.
    #[serde(default)]
    pub address: String,
    /// SSH port.
    #[serde(default = "ssh_port")]
    pub port: u16,
    /// Who logs in.
    #[serde(default)]
    pub user: String,
    /// The one host key that is accepted, as `ssh-ed25519 AAAA…`.
    #[serde(default)]
    pub host_key: String,
    /// Private key in OpenSSH's PEM form; without one the SSH agent of `SSH_AUTH_SOCK` is asked.
    #[serde(default)]
    pub login_key: Option<SecretString>,
}

impl Host {
    fn faults(&self, fault: &mut dyn FnMut(&str, String)) {
        if self.connection == Connection::Local {
            return;
        }
        for (field, text) in [
            ("address", &self.address),
            ("user", &self.user),
            ("host_key", &self.host_key),
        ] {
            if text.trim().is_empty() {
                fault(field, "is needed for a connection over SSH".to_owned());
            }
        }
    }
}

const fn ssh_port() -> u16 {
    22
}

/// How large a component is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// One of everything.
    #[default]
    Dev,
    /// Survives the loss of a node.
    Ha,
}

impl Size {
    /// The word that stands in requests and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Ha => "ha",
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One component of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentRequest {
    /// Its name in the catalogue.
    pub name: String,
    /// False leaves it alone, as if it were not listed.
    pub enabled: bool,
    /// Another chart version than the catalogue's.
    pub version: Option<String>,
    /// How large.
    pub size: Size,
    /// Values, as YAML text.
    pub values: Option<String>,
}

/// Something in a request that cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// Where, for example `components[2].size`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Why a request is refused. No variant quotes a value of the request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It is not the JSON object of this version.
    #[error("SLW-301: the request is not valid: {why} (line {line}, column {column})")]
    Malformed {
        /// What is wrong.
        why: String,
        /// Line of the request.
        line: usize,
        /// Column of the request.
        column: usize,
    },
    /// It comes from another release.
    #[error(
        "SLW-302: the request has protocol version {0}, this binary knows {PROTOCOL_VERSION}; use binaries of one release"
    )]
    Version(u32),
    /// It asks for what the catalogue does not have.
    #[error("SLW-303: the request cannot be done: {}", join(.0))]
    Faults(Vec<Fault>),
}

fn join(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

impl Request {
    /// Reads a request and holds it against the catalogue; every fault is reported at once.
    pub fn read(json: &[u8], catalog: &Catalog) -> Result<Self, RequestError> {
        let request: Self =
            serde_json::from_slice(json).map_err(|error| RequestError::Malformed {
                why: without_quoted(&error.to_string()),
                line: error.line(),
                column: error.column(),
            })?;
        if request.v != PROTOCOL_VERSION {
            return Err(RequestError::Version(request.v));
        }
        let faults = request.faults(catalog);
        if faults.is_empty() {
            Ok(request)
        } else {
            Err(RequestError::Faults(faults))
        }
    }

    /// Writes the request as JSON, secrets included: for the child's stdin and for nothing else.
    pub fn write_to(&self, out: impl Write) -> io::Result<()> {
        serde_json::to_writer(out, &Exposed::from(self)).map_err(io::Error::from)
    }

    /// The components that are enabled.
    pub fn enabled(&self) -> impl Iterator<Item = &ComponentRequest> {
        self.components.iter().filter(|component| component.enabled)
    }

    /// Everything in the request that the catalogue does not allow.
    #[must_use]
    pub fn faults(&self, catalog: &Catalog) -> Vec<Fault> {
        let enabled: BTreeSet<&str> = self.enabled().map(|c| c.name.as_str()).collect();
        let mut seen = BTreeSet::new();
        let mut faults = Vec::new();
        for (index, component) in self.components.iter().enumerate() {
            let mut fault = |field: &str, message: String| {
                faults.push(Fault {
                    path: format!("components[{index}].{field}"),
                    message,
                });
            };
            if !seen.insert(component.name.as_str()) {
                fault("name", format!("`{}` is listed twice", component.name));
            }
            component.check(catalog, &enabled, &mut fault);
        }
        self.host.faults(&mut |field, message| {
            faults.push(Fault {
                path: format!("host.{field}"),
                message,
            });
        });
        for (path, seconds) in [
            ("connect_timeout_s", self.connect_timeout_s),
            ("component_timeout_s", self.component_timeout_s),
        ] {
            if seconds == 0 {
                faults.push(Fault {
                    path: path.to_owned(),
                    message: "must be at least 1".to_owned(),
                });
            }
        }
        faults
    }
}

impl ComponentRequest {
    /// Holds one component against the catalogue and the others that are enabled.
    pub fn check(
        &self,
        catalog: &Catalog,
        enabled: &BTreeSet<&str>,
        fault: &mut dyn FnMut(&str, String),
    ) {
        let Some(known) = catalog.get(&self.name) else {
            return fault("name", catalog.unknown(&self.name));
        };
        if !known.sizes.contains(&self.size) {
            let allowed: Vec<_> = known.sizes.iter().map(|size| size.as_str()).collect();
            fault(
                "size",
                format!(
                    "`{}` is not built in size {}; allowed: {}",
                    self.name,
                    self.size,
                    allowed.join(", ")
                ),
            );
        }
        if self
            .version
            .as_deref()
            .is_some_and(|version| version.trim().is_empty())
        {
            fault(
                "version",
                "is empty; leave it out to get the catalogue's version".to_owned(),
            );
        }
        match values::parse(self.values.as_deref()) {
            Err(error) => fault("values", error.to_string()),
            Ok(values) => {
                if let Some(wrong) = known.wrong_backend(&values) {
                    fault("values", wrong);
                }
            }
        }
        if self.enabled {
            for used in known
                .uses
                .iter()
                .filter(|used| !enabled.contains(used.as_str()))
            {
                fault(
                    "enabled",
                    format!(
                        "`{}` uses what `{used}` publishes, and `{used}` is not enabled",
                        self.name
                    ),
                );
            }
        }
    }
}

/// Blots out what stands in double quotes: serde's errors quote the value they stumbled over.
pub(crate) fn without_quoted(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}\"…\"{}", &message[..first], &message[last + 1..])
        }
        _ => message.to_owned(),
    }
}

/// The request with its secrets in the open. Private, so that no other code can serialise a [`Request`] by accident.
#[derive(Serialize)]
struct Exposed<'a> {
    v: u32,
    run: Uuid,
    platform: &'a Platform,
    host: ExposedHost<'a>,
    kubeconfig: &'a str,
    chart_mirror: Option<&'a str>,
    components: &'a [ComponentRequest],
    secrets: BTreeMap<&'a str, &'a str>,
    secrets_version: u64,
    connect_timeout_s: u64,
    component_timeout_s: u64,
}

#[derive(Serialize)]
struct ExposedHost<'a> {
    connection: Connection,
    address: &'a str,
    port: u16,
    user: &'a str,
    host_key: &'a str,
    login_key: Option<&'a str>,
}

impl<'a> From<&'a Request> for Exposed<'a> {
    fn from(request: &'a Request) -> Self {
        let host = &request.host;
        Self {
            v: request.v,
            run: request.run,
            platform: &request.platform,
            host: ExposedHost {
                connection: host.connection,
                address: &host.address,
                port: host.port,
                user: &host.user,
                host_key: &host.host_key,
                login_key: host.login_key.as_ref().map(ExposeSecret::expose_secret),
            },
            kubeconfig: request.kubeconfig.expose_secret(),
            chart_mirror: request.chart_mirror.as_deref(),
            components: &request.components,
            secrets: request
                .secrets
                .iter()
                .map(|(name, secret)| (name.as_str(), secret.expose_secret()))
                .collect(),
            secrets_version: request.secrets_version,
            connect_timeout_s: request.connect_timeout_s,
            component_timeout_s: request.component_timeout_s,
        }
    }
}

#[cfg(test)]
mod tests;
