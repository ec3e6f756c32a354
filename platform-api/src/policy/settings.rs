//! Where policies come from.

use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

/// Where policies come from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum Settings {
    /// The policies that the program comes with.
    #[default]
    BuiltIn,
    /// A folder of `.cedar` files, with the entities in `data.json` beside them. Read once, at the start.
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// OPAL, over the loopback listener.
    Opal(Feed),
}

/// How OPAL feeds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Whether no policy is in force before the data have come, too. Turn it off only where OPAL has no data source.
    #[serde(default = "yes")]
    pub wait_for_data: bool,
    /// Milliseconds without a change after which what was written is taken as complete.
    #[serde(default = "quiet")]
    pub quiet_milliseconds: u64,
    /// Seconds for which policies are in force without a word from the feed. It must fetch its data more often
    /// (`periodic_update_interval`). Not set: for ever.
    #[serde(default)]
    pub max_age_seconds: Option<u32>,
    /// File in which the set in force is kept, so that a restart begins with it.
    #[serde(default)]
    pub keep: Option<PathBuf>,
    /// File with the token that the feed must send. Not set: whoever reaches the loopback listener may write.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            wait_for_data: true,
            quiet_milliseconds: quiet(),
            max_age_seconds: None,
            keep: None,
            token_file: None,
        }
    }
}

impl Feed {
    /// The token, read from its file.
    pub(super) fn token(&self) -> Result<Option<SecretString>, super::LoadError> {
        let Some(file) = &self.token_file else {
            return Ok(None);
        };
        let failed = |why: String| super::LoadError::Unreadable {
            file: file.clone(),
            why,
        };
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        let token = text.trim();
        if token.is_empty() {
            return Err(failed("it is empty".to_owned()));
        }
        Ok(Some(SecretString::from(token)))
    }
}

const fn yes() -> bool {
    true
}

const fn quiet() -> u64 {
    500
}
