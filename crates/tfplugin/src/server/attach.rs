//! Attach mode: a provider that a person started, for core to find through the environment.

use std::path::Path;

/// The line to put before a Terraform command.
pub(crate) fn instructions(address: &str, socket: &Path) -> String {
    let attach = serde_json::json!({
        address: {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": "unix", "String": socket },
        }
    });
    format!("TF_REATTACH_PROVIDERS='{attach}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_core_wants_to_read() {
        let line = instructions("registry.terraform.io/acme/acme", Path::new("/tmp/plugin1"));
        let json = line
            .strip_prefix("TF_REATTACH_PROVIDERS='")
            .unwrap()
            .strip_suffix('\'')
            .unwrap();
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        let entry = &json["registry.terraform.io/acme/acme"];
        assert_eq!(entry["ProtocolVersion"], 6);
        assert_eq!(entry["Addr"]["String"], "/tmp/plugin1");
    }
}
