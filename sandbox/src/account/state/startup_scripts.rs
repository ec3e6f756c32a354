//! Startup scripts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::State;
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// A startup script.
#[derive(Clone)]
pub(crate) struct StartupScript {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    /// As sent, base64. May hold secrets.
    pub(crate) script: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
}

// The script stays out of every log.
impl std::fmt::Debug for StartupScript {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StartupScript")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Row for StartupScript {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid startup script ID");

    fn id(&self) -> &str {
        &self.id
    }
}

impl State {
    /// Stores a script.
    pub(crate) fn create_startup_script(
        &mut self,
        name: String,
        kind: String,
        script: String,
    ) -> Result<&StartupScript, Refusal> {
        check_script(&script)?;
        if !matches!(kind.as_str(), "boot" | "pxe") {
            return Err(Refusal::invalid("Invalid type"));
        }
        let id = self.seeded.id();
        self.startup_scripts.insert(StartupScript {
            id: id.clone(),
            name,
            kind,
            script,
            created: self.now,
            modified: self.now,
        });
        self.startup_scripts.find(&id)
    }

    /// Changes name or script.
    pub(crate) fn change_startup_script(
        &mut self,
        id: &str,
        name: Option<String>,
        script: Option<String>,
    ) -> Result<(), Refusal> {
        let now = self.now;
        let found = self.startup_scripts.find_mut(id)?;
        if let Some(script) = script {
            check_script(&script)?;
            found.script = script;
        }
        found.name = name.unwrap_or_else(|| found.name.clone());
        found.modified = now;
        Ok(())
    }

    /// Deletes a script.
    pub(crate) fn delete_startup_script(&mut self, id: &str) -> Result<(), Refusal> {
        self.startup_scripts.find(id)?;
        self.startup_scripts.remove(id);
        Ok(())
    }
}

fn check_script(script: &str) -> Result<(), Refusal> {
    STANDARD
        .decode(script)
        .map(drop)
        .map_err(|_| Refusal::invalid("Script must be base64 encoded"))
}
