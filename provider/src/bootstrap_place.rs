//! Where a platform's playbooks run: on a server that lives for one run, on a host of the user's, or on this machine.

use std::path::PathBuf;

use run_report::{Connection, Host};
use secrecy::{ExposeSecret, SecretString};
use ssh_key::{PrivateKey, PublicKey};
use tfplugin::{Attribute, Diagnostics, Object};

use crate::fault::{self, Fault};
use crate::nearest::allowed_words;
use crate::platform::settings::known;

/// The attribute of a platform, and of what runs playbooks on one.
const ATTRIBUTE: &str = "bootstrap";
/// What only a host that is reached over SSH has.
const OF_SSH: [&str; 5] = ["address", "port", "user", "host_key", "private_key_wo"];
/// Those of them that nothing stands in for.
const NEEDED: [&str; 3] = ["address", "user", "host_key"];
const SSH_PORT: u16 = 22;
/// How a private key begins whose encryption can be looked at, and how all others do.
const OPENSSH: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const PEM: &str = "PRIVATE KEY-----";
/// The variable by which a user's SSH agent is found.
pub(crate) const AGENT: &str = "SSH_AUTH_SOCK";

/// Where playbooks run, and from which bundle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bootstrap {
    pub(crate) place: Place,
    /// The archive that stands in for the internet.
    pub(crate) bundle: Option<PathBuf>,
}

/// Where playbooks run.
#[derive(Debug, Clone, Default)]
pub(crate) enum Place {
    /// On a server of the account that is made for the run and removed after it.
    #[default]
    Instance,
    /// On a host that is there, or on this machine.
    Standing(Box<Host>),
}

impl Place {
    const WORDS: [&str; 3] = ["instance", "ssh", "local"];
}

/// The attribute as it stands in a schema.
pub(crate) fn attribute() -> Attribute {
    Attribute::single([
        (
            "connection",
            Attribute::string().optional().describe(
                "`instance`: a small server in the platform's VPC, which is made for the run and removed after it. `ssh`: the host of `address`, which is yours and \
                 stays. `local`: the machine that Terraform runs on; it has Ansible and Helm, or a `bundle` brings them. Default `instance`.",
            ),
        ),
        ("address", Attribute::string().optional().describe("Name or address of the host. Only for `ssh`, and needed there.")),
        ("port", Attribute::number().optional().describe("Port of its SSH server. Default 22.")),
        ("user", Attribute::string().optional().describe("Who logs in. Only for `ssh`, and needed there.")),
        (
            "host_key",
            Attribute::string().optional().describe(
                "The host's public key, `ssh-ed25519 AAAA…`, as `ssh-keyscan` shows it without the name: a host that shows another one is refused. Only for `ssh`, and \
                 needed there.",
            ),
        ),
        (
            "private_key_wo",
            Attribute::string().optional().write_only().sensitive().describe(
                "The user's private key, without a passphrase, from `file(…)` or an ephemeral value. Write-only: never in plan or state. Without it the SSH agent of `SSH_AUTH_SOCK` is asked.",
            ),
        ),
        (
            "bundle",
            Attribute::string().optional().describe(
                "Path of an archive that `slipway-bootstrap bundle` made: playbooks, charts, Ansible and Helm come from it, and neither a chart repository nor a package \
                 index is asked.",
            ),
        ),
    ])
    .optional()
    .describe("Where the playbooks of components run. A change of it alone runs nothing.")
}

impl Bootstrap {
    /// Reads it from a configuration, whose values are all known by then; the private key is nowhere else.
    pub(crate) fn read(config: &Object) -> Result<Self, Diagnostics> {
        let Some(object) = config.get::<Option<Object>>(ATTRIBUTE)? else {
            return Ok(Self::default());
        };
        let mut faults = Diagnostics::new();
        check_object(&object, &mut faults);
        faults.into_result()?;
        let text = |name: &str| object.get::<Option<String>>(name);
        let place = match text("connection")?.as_deref() {
            Some("ssh") => Place::Standing(Box::new(Host {
                connection: Connection::Ssh,
                address: text("address")?.unwrap_or_default(),
                port: object.get::<Option<u16>>("port")?.unwrap_or(SSH_PORT),
                user: text("user")?.unwrap_or_default(),
                host_key: text("host_key")?.unwrap_or_default(),
                login_key: object.get("private_key_wo")?,
            })),
            Some("local") => Place::Standing(Box::new(Host {
                connection: Connection::Local,
                address: String::new(),
                port: SSH_PORT,
                user: String::new(),
                host_key: String::new(),
                login_key: None,
            })),
            _ => Place::Instance,
        };
        Ok(Self {
            place,
            bundle: text("bundle")?.map(PathBuf::from),
        })
    }

    /// What is missing on this machine, told before anything is made.
    pub(crate) fn require_ready(&self) -> Result<(), Fault> {
        if let Some(bundle) = self.bundle.as_deref().filter(|path| !path.exists()) {
            let why = format!(
                "bundle is {:?}, and there is no such file. Make it with `slipway-bootstrap bundle --out {0}`.",
                bundle.display()
            );
            return Err(bad(&why));
        }
        if self.needs_agent() && std::env::var_os(AGENT).is_none() {
            return Err(bad(&format!(
                "private_key_wo is not set, and there is no SSH agent to ask: {AGENT} is not set. Start one and add the key, or set private_key_wo."
            )));
        }
        Ok(())
    }

    /// Whether the user's SSH agent is asked for the key.
    pub(crate) fn needs_agent(&self) -> bool {
        matches!(&self.place, Place::Standing(host) if host.connection == Connection::Ssh && host.login_key.is_none())
    }
}

/// Everything wrong with the attribute of a configuration; unknown values are passed over.
pub(crate) fn check(config: &Object, faults: &mut Diagnostics) {
    if let Some(object) = known::<Object>(config, ATTRIBUTE, faults) {
        check_object(&object, faults);
    }
}

fn check_object(object: &Object, faults: &mut Diagnostics) {
    let word = match known::<String>(object, "connection", faults) {
        Some(word) => word,
        // Whatever it will be: what else is said cannot be held against it.
        None if !object.is_null("connection") => return,
        None => Place::WORDS[0].to_owned(),
    };
    if !Place::WORDS.contains(&word.as_str()) {
        let words = allowed_words(&word, Place::WORDS);
        faults.append(bad(&format!("connection is {word:?}. {words}")));
        return;
    }
    if word != "ssh" {
        for name in OF_SSH.iter().filter(|name| !object.is_null(name)) {
            faults.append(bad(&format!(
                "{name} is for connection = \"ssh\", and connection is {word:?}. Write connection = \"ssh\" to use that host, or remove {name}."
            )));
        }
        return;
    }
    for name in NEEDED {
        let empty =
            known::<String>(object, name, faults).is_some_and(|text| text.trim().is_empty());
        if empty || object.is_null(name) {
            faults.append(bad(&format!("{name} is needed for connection = \"ssh\".")));
        }
    }
    if let Some(port) = known::<i64>(object, "port", faults)
        && !(1..=i64::from(u16::MAX)).contains(&port)
    {
        faults.append(bad(&format!("port is {port}. Allowed: 1 to 65535.")));
    }
    if let Some(key) = known::<String>(object, "host_key", faults)
        && !key.trim().is_empty()
        && let Err(error) = PublicKey::from_openssh(&key)
    {
        faults.append(bad(&format!(
            "host_key is no public key ({error}). Write it as `ssh-keyscan -t ed25519 HOST` shows it, without the name: \"ssh-ed25519 AAAA…\"."
        )));
    }
    if let Some(key) = known::<SecretString>(object, "private_key_wo", faults)
        && let Some(why) = unusable(key.expose_secret())
    {
        faults.append(bad(&format!("private_key_wo {why}")));
    }
}

/// Why a private key cannot be used, without a word of it.
fn unusable(key: &str) -> Option<&'static str> {
    let with_passphrase = "has a passphrase. Give a key without one, or leave it out and add the key to your SSH agent.";
    if !key.contains(PEM) {
        return Some(
            "is no private key: it has no line \"-----BEGIN … PRIVATE KEY-----\". Give the text of the key's file, not its path.",
        );
    }
    if key.contains("ENCRYPTED") {
        return Some(with_passphrase);
    }
    if !key.trim_start().starts_with(OPENSSH) {
        return None;
    }
    match PrivateKey::from_openssh(key.trim_start()) {
        Ok(key) if key.is_encrypted() => Some(with_passphrase),
        Ok(_) => None,
        Err(_) => Some(
            "is a broken private key. Give the whole text of the key's file, with its last line.",
        ),
    }
}

fn bad(why: &str) -> Fault {
    Fault::new(fault::BAD_BOOTSTRAP, format!("bootstrap: {why}")).at(ATTRIBUTE)
}

#[cfg(test)]
mod tests;
