//! How a provider is served.

/// How a provider is served.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) address: String,
    pub(crate) log_targets: Vec<String>,
    pub(crate) attach: bool,
}

impl Options {
    /// For the provider of this address, `registry.terraform.io/acme/acme`.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            log_targets: vec![env!("CARGO_PKG_NAME").to_owned()],
            attach: false,
        }
    }

    /// Logs what this crate or module says, as far as `TF_LOG` and its kin ask for it. Of all others only warnings are
    /// logged: the traces of HTTP and TLS libraries may hold what must not be logged.
    #[must_use]
    pub fn log_target(mut self, target: impl Into<String>) -> Self {
        self.log_targets.push(target.into());
        self
    }

    /// Serves in the open for a debugger: without handshake and TLS, until interrupted.
    #[must_use]
    pub fn attach(mut self, attach: bool) -> Self {
        self.attach = attach;
        self
    }

    /// Takes over `--debug` from a command line. Core starts plugins without arguments.
    pub(crate) fn with_arguments(self, mut arguments: impl Iterator<Item = String>) -> Self {
        let debug = arguments.any(|argument| argument == "--debug" || argument == "-debug");
        let attach = self.attach || debug;
        self.attach(attach)
    }

    /// The provider's type, the last part of its address.
    pub(crate) fn provider_type(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or(&self.address)
    }
}
