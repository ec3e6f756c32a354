//! The agreement with core before the first connection: environment in, one line out.

use std::path::{Path, PathBuf};

use super::socket::Place;

const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);
const VERSIONS: &str = "PLUGIN_PROTOCOL_VERSIONS";
const CORE_PROTOCOL: u32 = 1;
const APP_PROTOCOL: u32 = 6;

/// The process was not started the way Terraform starts plugins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// Somebody ran it by hand.
    #[error(
        "This is a plugin for Terraform and OpenTofu, which start it themselves. Run with --debug to attach it to a debugger."
    )]
    NotAPlugin,
    /// Core is too old.
    #[error(
        "This provider speaks plugin protocol 6, and core offers {0:?} only. Terraform 1.0 or newer is needed."
    )]
    NoCommonVersion(String),
}

/// What core said through the environment.
pub(crate) struct Handshake {
    /// Core's certificate in PEM, the only one that may connect. Without it there is no TLS.
    pub(crate) client_certificate: Option<String>,
    /// Where the socket belongs.
    pub(crate) socket: Place,
    multiplexing_asked: bool,
}

impl Handshake {
    pub(crate) fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, HandshakeError> {
        let (cookie, expected) = COOKIE;
        if variable(cookie).as_deref() != Some(expected) {
            return Err(HandshakeError::NotAPlugin);
        }
        let versions = variable(VERSIONS).unwrap_or_default();
        let common = versions
            .split(',')
            .any(|version| version.trim().parse() == Ok(APP_PROTOCOL));
        if !common {
            return Err(HandshakeError::NoCommonVersion(versions));
        }
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        Ok(Self {
            client_certificate: set("PLUGIN_CLIENT_CERT"),
            socket: Place {
                directory: set("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
                group: set("PLUGIN_UNIX_SOCKET_GROUP"),
            },
            multiplexing_asked: set("PLUGIN_MULTIPLEX_GRPC").is_some(),
        })
    }

    /// The line that tells core where to connect. The certificate is base64 without padding.
    pub(crate) fn line(&self, socket: &Path, certificate: Option<&str>) -> String {
        let socket = socket.display();
        let certificate = certificate.unwrap_or_default();
        let line = format!("{CORE_PROTOCOL}|{APP_PROTOCOL}|unix|{socket}|grpc|{certificate}");
        // Who asks about multiplexing must be answered; we do not have it.
        if self.multiplexing_asked {
            line + "|false"
        } else {
            line
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Handshake, HandshakeError> {
        Handshake::from_environment(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn refuses_to_be_run_by_hand() {
        assert_eq!(with(&[]).err(), Some(HandshakeError::NotAPlugin));
        assert_eq!(
            with(&[(COOKIE.0, "wrong")]).err(),
            Some(HandshakeError::NotAPlugin)
        );
    }

    #[test]
    fn needs_protocol_6_in_any_order() {
        for versions in ["5,6", "6,5", "6"] {
            assert!(with(&[COOKIE, (VERSIONS, versions)]).is_ok());
        }
        let refused = with(&[COOKIE, (VERSIONS, "5")]).err();
        assert_eq!(
            refused,
            Some(HandshakeError::NoCommonVersion("5".to_owned()))
        );
        assert!(with(&[COOKIE]).is_err());
    }

    #[test]
    fn the_line_has_six_fields_and_a_seventh_if_asked() {
        let base = [COOKIE, (VERSIONS, "6")];
        let line = with(&base).unwrap().line(Path::new("/tmp/p"), Some("MII"));
        assert_eq!(line, "1|6|unix|/tmp/p|grpc|MII");
        let asked = [COOKIE, (VERSIONS, "6"), ("PLUGIN_MULTIPLEX_GRPC", "true")];
        let line = with(&asked).unwrap().line(Path::new("/tmp/p"), None);
        assert_eq!(line, "1|6|unix|/tmp/p|grpc||false");
    }
}
