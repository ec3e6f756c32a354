//! Policies in a folder.

use super::error::LoadError;
use super::stage::Stage;
use std::fs;
use std::path::Path;

const DATA: &str = "data.json";
const ENDING: &str = "cedar";

/// Reads every `.cedar` file below a folder, and its `data.json`.
pub(super) fn read(folder: &Path) -> Result<Stage, LoadError> {
    let mut stage = Stage::default();
    read_below(folder, folder, &mut stage)?;
    let data = folder.join(DATA);
    if data.exists() {
        let text = read_text(&data)?;
        let value = serde_json::from_str(&text).map_err(|error| unreadable(&data, &error))?;
        stage.data = Some(value);
    }
    if stage.policies.is_empty() {
        return Err(unreadable(folder, &"it holds no .cedar file"));
    }
    Ok(stage)
}

fn read_below(root: &Path, folder: &Path, stage: &mut Stage) -> Result<(), LoadError> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.is_dir() {
            read_below(root, &path, stage)?;
        } else if path.extension().is_some_and(|ending| ending == ENDING) {
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            stage.policies.insert(name, read_text(&path)?);
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, LoadError> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(file: &Path, why: &dyn ToString) -> LoadError {
    LoadError::Unreadable {
        file: file.to_path_buf(),
        why: why.to_string(),
    }
}
