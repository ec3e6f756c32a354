//! What a server reads at its first boot.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

/// User data in the form that the API wants, base64. It may hold keys, so it is shown nowhere.
#[derive(Clone)]
pub struct UserData(SecretString);

impl UserData {
    /// User data from its text, such as a `#cloud-config` document.
    #[must_use]
    pub fn new(text: &SecretString) -> Self {
        Self(SecretString::from(STANDARD.encode(text.expose_secret())))
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserData([REDACTED])")
    }
}

impl Serialize for UserData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_travels_encoded_and_is_shown_nowhere() {
        let data = UserData::new(&"#cloud-config\n".to_owned().into());
        assert_eq!(
            serde_json::to_string(&data).unwrap(),
            r#""I2Nsb3VkLWNvbmZpZwo=""#
        );
        assert_eq!(format!("{data:?}"), "UserData([REDACTED])");
    }
}
