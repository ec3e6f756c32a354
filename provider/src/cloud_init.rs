//! What a bootstrap host is told at its first boot: who it is and who may enter.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use vultr::UserData;

use crate::host_keys::RunKeys;

/// The user data of a host with the run's keys. The private host key travels in it once; it opens nothing but this
/// host and dies with it.
pub(crate) fn user_data(keys: &RunKeys) -> UserData {
    UserData::new(&cloud_config(keys))
}

fn cloud_config(keys: &RunKeys) -> SecretString {
    // JSON is YAML, and no key text can break out of it.
    let config = json!({
        "ssh_keys": {
            "ed25519_private": keys.host.private().expose_secret(),
            "ed25519_public": keys.host.public(),
        },
        "ssh_authorized_keys": [keys.login.public()],
        "disable_root": false,
        "ssh_pwauth": false,
    });
    SecretString::from(format!("#cloud-config\n{config:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_reads_back_as_yaml_with_every_key() {
        let keys = RunKeys::generate().unwrap();
        let config = cloud_config(&keys);
        let text = config.expose_secret();
        assert!(text.starts_with("#cloud-config\n"));
        let config: serde_json::Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(
            config["ssh_keys"]["ed25519_private"],
            keys.host.private().expose_secret()
        );
        assert_eq!(config["ssh_authorized_keys"][0], keys.login.public());
        assert_eq!(config["disable_root"], false);
        assert_eq!(config["ssh_pwauth"], false);
    }
}
