//! The charts that the roles install: what the roles set in them, and what comes of it.

mod known;
mod pods;
mod rendered;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

pub use known::Known;
pub use rendered::{Budget, Rendered, render, table};

use crate::workspace;

/// The two sizes.
pub const SIZES: [&str; 2] = ["dev", "ha"];
/// Repository of what comes with the playbooks themselves.
const BUNDLED: &str = "bundled";

/// A component that is installed from a chart.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name in the catalogue.
    pub name: String,
    /// The chart's name.
    pub chart: String,
    /// The chart's version.
    pub version: String,
    /// The repository's address.
    pub repository: String,
    /// The version of what the chart installs.
    pub app_version: String,
    /// The namespace it is installed in.
    pub namespace: String,
    /// Folder of a chart of our own, which comes with the role.
    own: Option<PathBuf>,
}

/// Values that a role gives its chart, and where they stand.
#[derive(Debug)]
pub struct Layer {
    /// File or variable.
    pub origin: String,
    /// The values.
    pub values: Value,
}

/// Every component of the catalogue that is installed from somebody's chart, and the charts of our own.
pub fn components() -> Result<Vec<Component>> {
    let document = yaml(&playbooks().join("components.yaml"))?;
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let all = document["components"]
        .as_object()
        .context("no components")?;
    let mut components: Vec<Component> = all
        .iter()
        .map(|(name, component)| Component {
            name: name.clone(),
            chart: text(&component["chart"]["name"]),
            version: text(&component["chart"]["version"]),
            repository: text(&component["chart"]["repository"]),
            app_version: text(&component["chart"]["app_version"]),
            namespace: text(&component["namespace"]),
            own: None,
        })
        .collect();
    let own = charts_of_our_own(&components)?;
    components.retain(|component| component.repository != BUNDLED);
    components.extend(own);
    Ok(components)
}

/// A folder `roles/<role>/files/<chart>` with a `Chart.yaml` is a chart of our own.
fn charts_of_our_own(components: &[Component]) -> Result<Vec<Component>> {
    let mut own = Vec::new();
    for component in components
        .iter()
        .filter(|component| component.files().is_dir())
    {
        for folder in folders(&component.files())? {
            if folder.join("Chart.yaml").is_file() {
                let chart = yaml(&folder.join("Chart.yaml"))?;
                let field = |name: &str| chart[name].as_str().unwrap_or_default().to_owned();
                own.push(Component {
                    chart: field("name"),
                    version: field("version"),
                    app_version: field("appVersion"),
                    own: Some(folder),
                    ..component.clone()
                });
            }
        }
    }
    Ok(own)
}

impl Component {
    /// The role's name: the component's, as far as Ansible lets it.
    #[must_use]
    pub fn role(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Whether the chart comes with the role.
    #[must_use]
    pub const fn is_our_own(&self) -> bool {
        self.own.is_some()
    }

    /// Whether the chart is one of our own that can be installed instead of another's.
    #[must_use]
    pub fn is_an_alternative(&self) -> bool {
        self.is_our_own() && self.repository != BUNDLED
    }

    /// The small chart that is installed in rehearsals, or the one of our own.
    #[must_use]
    pub fn stand_in(&self) -> PathBuf {
        self.own
            .clone()
            .unwrap_or_else(|| charts().join(&self.chart))
    }

    /// Copies of the real chart's values.
    #[must_use]
    pub fn upstream(&self) -> PathBuf {
        charts().join("upstream").join(&self.chart)
    }

    fn files(&self) -> PathBuf {
        playbooks().join("roles").join(self.role()).join("files")
    }

    /// The files with the role's values for one size; a role with several charts names them after the charts.
    pub fn value_files(&self, size: &str) -> Result<Vec<PathBuf>> {
        let files = self.files();
        let stem = if self.own.is_some() || files.join(format!("{}.yaml", self.chart)).is_file() {
            self.chart.as_str()
        } else {
            "values"
        };
        let sized = files.join(format!("{stem}-{size}.yaml"));
        anyhow::ensure!(sized.is_file(), "{} is missing", sized.display());
        let common = files.join(format!("{stem}.yaml"));
        Ok(common
            .is_file()
            .then_some(common)
            .into_iter()
            .chain([sized])
            .collect())
    }

    /// Everything that the role sets: its files, and what it computes.
    pub fn layers(&self) -> Result<Vec<Layer>> {
        let mut files: Vec<PathBuf> = Vec::new();
        for size in SIZES {
            files.extend(self.value_files(size)?);
        }
        files.dedup();
        let mut layers = Vec::new();
        for path in files {
            layers.push(Layer {
                origin: path.strip_prefix(playbooks())?.display().to_string(),
                values: yaml(&path)?,
            });
        }
        let variables = playbooks()
            .join("roles")
            .join(self.role())
            .join("vars/main.yml");
        let computed = format!("{}_computed_values", self.role());
        if !self.is_an_alternative()
            && variables.exists()
            && let Some(values) = yaml(&variables)?.get(&computed)
        {
            layers.push(Layer {
                origin: computed,
                values: values.clone(),
            });
        }
        Ok(layers)
    }

    /// Every value of the role that the chart whose values lie in `folder` does not know.
    pub fn unknown_to(&self, known: &Known) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        for layer in self.layers()? {
            faults.extend(
                known
                    .unknown(&layer.values)
                    .into_iter()
                    .map(|fault| format!("{}: {fault} of chart {}", layer.origin, self.chart)),
            );
        }
        Ok(faults)
    }
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

pub(crate) fn yaml(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("no file {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))
}

pub(crate) fn playbooks() -> PathBuf {
    workspace().join("playbooks")
}

fn charts() -> PathBuf {
    workspace().join("tests/charts")
}
