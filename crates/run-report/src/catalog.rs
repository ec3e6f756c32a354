//! The components a platform can have: `playbooks/components.yaml`, read once and checked.

use crate::bundle::{Bundle, digest_of};
use crate::request::Size;
use crate::values::Values;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every component there is, by name. Only [`Catalog::of`] makes one, so a catalogue has no cycles and no holes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    pub(crate) components: BTreeMap<String, Component>,
    /// Digest of each component's playbook and roles.
    pub(crate) files: BTreeMap<String, String>,
}

/// One component: what is installed, and what it stands on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What it is for, in one line.
    pub summary: String,
    /// Its playbook, a file beside the catalogue.
    pub playbook: String,
    /// The roles its playbook uses, shared ones included.
    pub roles: Vec<String>,
    /// The namespace it is installed in.
    pub namespace: String,
    /// The chart it is installed from.
    pub chart: Chart,
    /// Whether it belongs to the set of a platform that lists no components.
    #[serde(default)]
    pub default: bool,
    /// The sizes it can be built in.
    pub sizes: Vec<Size>,
    /// Components that must be there first; their changes do not matter.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Components whose outputs it reads: when one of them changes, it runs again.
    #[serde(default)]
    pub uses: Vec<String>,
    /// Names of the secrets it reads.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Products that can do its job, the default first; its value `slipway.backend` chooses one.
    #[serde(default)]
    pub backends: Vec<String>,
}

/// A Helm chart at a pinned version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// The chart's name in its repository.
    pub name: String,
    /// The repository's address.
    pub repository: String,
    /// The chart's version.
    pub version: String,
    /// The version of what the chart installs.
    pub app_version: String,
}

impl Chart {
    /// What Helm calls the chart's archive.
    #[must_use]
    pub fn archive_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }
}

/// Why a catalogue is refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not the YAML that is expected.
    #[error("components.yaml cannot be read: {0}")]
    Malformed(String),
    /// Its parts do not fit together; every fault is named.
    #[error("components.yaml contradicts itself: {}", .0.join("; "))]
    Inconsistent(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    components: BTreeMap<String, Component>,
}

impl Catalog {
    /// The catalogue of the bundle that this binary carries.
    pub fn embedded() -> Result<Self, CatalogError> {
        Self::of(&Bundle::embedded())
    }

    /// The catalogue of a bundle, with the playbooks and roles that it names.
    pub fn of(bundle: &Bundle) -> Result<Self, CatalogError> {
        let yaml = bundle
            .file("components.yaml")
            .ok_or_else(|| CatalogError::Malformed("the bundle has none".to_owned()))?;
        let yaml = std::str::from_utf8(yaml)
            .map_err(|error| CatalogError::Malformed(error.to_string()))?;
        let mut catalog = Self::parse(yaml)?;
        let missing: Vec<String> = catalog
            .components
            .iter()
            .flat_map(|(name, component)| component.missing_in(bundle, name))
            .collect();
        if !missing.is_empty() {
            return Err(CatalogError::Inconsistent(missing));
        }
        let digest = |(name, component): (&String, &Component)| {
            (name.clone(), component.files_digest(bundle))
        };
        catalog.files = catalog.components.iter().map(digest).collect();
        Ok(catalog)
    }

    /// Reads a catalogue and checks it, without its files.
    fn parse(yaml: &str) -> Result<Self, CatalogError> {
        let options = serde_saphyr::options! { with_snippet: false };
        let Document { components } = serde_saphyr::from_str_with_options(yaml, options)
            .map_err(|error| CatalogError::Malformed(error.to_string()))?;
        let catalog = Self {
            components,
            files: BTreeMap::new(),
        };
        let mut faults: Vec<String> = catalog
            .components
            .iter()
            .flat_map(|(name, component)| catalog.faults_of(name, component))
            .collect();
        faults.extend(
            catalog
                .find_cycle()
                .map(|cycle| format!("{} wait for each other", cycle.join(" -> "))),
        );
        if faults.is_empty() {
            Ok(catalog)
        } else {
            Err(CatalogError::Inconsistent(faults))
        }
    }

    /// The component of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Component> {
        self.components.get(name)
    }

    /// All components, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Component)> {
        self.components
            .iter()
            .map(|(name, component)| (name.as_str(), component))
    }

    /// What to tell somebody who named a component that does not exist.
    #[must_use]
    pub fn unknown(&self, name: &str) -> String {
        let nearest = self
            .components
            .keys()
            .map(|known| (strsim::damerau_levenshtein(known, name), known))
            .filter(|(distance, known)| *distance <= known.len() / 3)
            .min();
        let hint = nearest
            .map(|(_, known)| format!(" (did you mean `{known}`?)"))
            .unwrap_or_default();
        let known: Vec<_> = self.components.keys().map(String::as_str).collect();
        format!(
            "there is no component `{name}`{hint}; known: {}",
            known.join(", ")
        )
    }

    fn faults_of(&self, name: &str, component: &Component) -> Vec<String> {
        let mut faults = Vec::new();
        if !is_component_name(name) {
            faults.push(format!(
                "`{name}` is not a name: small letters, digits and dashes, a letter first"
            ));
        }
        if component.sizes.is_empty() {
            faults.push(format!("`{name}` has no size"));
        }
        for other in component.needs.iter().chain(&component.uses) {
            if !self.components.contains_key(other) {
                faults.push(format!("`{name}`: {}", self.unknown(other)));
            }
        }
        for other in component
            .needs
            .iter()
            .filter(|other| component.uses.contains(other))
        {
            faults.push(format!(
                "`{name}` both needs and uses `{other}`; `uses` alone says it"
            ));
        }
        faults
    }
}

impl Component {
    /// What to tell somebody whose values choose a backend that this component does not have.
    pub(crate) fn wrong_backend(&self, values: &Values) -> Option<String> {
        let chosen = values
            .get("slipway")?
            .get("backend")
            .filter(|_| !self.backends.is_empty())?;
        let known = chosen
            .as_str()
            .is_some_and(|chosen| self.backends.iter().any(|backend| backend == chosen));
        (!known).then(|| {
            format!(
                "slipway.backend {chosen} is not one of {}",
                self.backends.join(", ")
            )
        })
    }

    /// The product that does its job with these values; nothing for a component without a choice.
    #[must_use]
    pub fn backend<'a>(&'a self, values: &'a Values) -> Option<&'a str> {
        let default = self.backends.first()?;
        let chosen = values
            .get("slipway")
            .and_then(|own| own.get("backend"))
            .and_then(serde_json::Value::as_str);
        Some(chosen.unwrap_or(default))
    }

    fn missing_in(&self, bundle: &Bundle, name: &str) -> Vec<String> {
        let playbook = bundle
            .file(&self.playbook)
            .is_none()
            .then(|| format!("`{name}`: there is no {}", self.playbook));
        let roles = self
            .roles
            .iter()
            .filter(|role| bundle.below(&format!("roles/{role}")).next().is_none());
        playbook
            .into_iter()
            .chain(roles.map(|role| format!("`{name}`: there is no role {role}")))
            .collect()
    }

    fn files_digest(&self, bundle: &Bundle) -> String {
        let folders: Vec<String> = self
            .roles
            .iter()
            .map(|role| format!("roles/{role}"))
            .collect();
        let own = bundle
            .file(&self.playbook)
            .map(|contents| (self.playbook.as_str(), contents));
        digest_of(
            own.into_iter()
                .chain(folders.iter().flat_map(|folder| bundle.below(folder))),
        )
    }
}

fn is_component_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_backend_is_the_one_that_the_role_takes_by_default() {
        let bundle = Bundle::embedded();
        let catalog = Catalog::embedded().unwrap();
        let mut seen = 0;
        for (name, component) in catalog.iter() {
            let Some(first) = component.backends.first() else {
                continue;
            };
            let defaults = bundle
                .file(&format!("roles/{name}/defaults/main.yml"))
                .unwrap();
            let defaults = std::str::from_utf8(defaults).unwrap();
            let expected = format!("component_settings.backend | default('{first}')");
            assert!(defaults.contains(&expected), "{name}: {defaults}");
            assert_eq!(component.backend(&Values::default()), Some(first.as_str()));
            seen += 1;
        }
        assert!(seen > 0);
    }

    fn yaml(rest: &str) -> String {
        let common = "summary: s, playbook: a.yml, roles: [a], namespace: n, sizes: [dev, ha], \
            chart: {name: c, repository: 'https://charts.example', version: '1.0.0', app_version: '1'}";
        format!("components:\n{}", rest.replace("COMMON", common))
    }

    fn faults(rest: &str) -> String {
        Catalog::parse(&yaml(rest)).unwrap_err().to_string()
    }

    #[test]
    fn a_good_catalogue_is_read() {
        let catalog = Catalog::parse(&yaml(
            "  a: {COMMON, default: true}\n  b: {COMMON, uses: [a]}\n",
        ))
        .unwrap();
        assert!(catalog.get("a").unwrap().default);
        assert_eq!(catalog.get("b").unwrap().uses, ["a"]);
        assert_eq!(catalog.iter().count(), 2);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let all = faults(
            "  kong: {COMMON, needs: [kongg]}\n  Bad_Name: {COMMON, needs: [kong], uses: [kong]}\n",
        );
        for expected in [
            "did you mean `kong`?",
            "`Bad_Name` is not a name",
            "both needs and uses `kong`",
        ] {
            assert!(all.contains(expected), "{expected} is not in {all}");
        }
    }

    #[test]
    fn cycles_are_shown() {
        let all = faults(
            "  a: {COMMON, needs: [b]}\n  b: {COMMON, uses: [c]}\n  c: {COMMON, needs: [a]}\n",
        );
        assert!(
            all.contains("a -> b -> c -> a wait for each other"),
            "{all}"
        );
        assert!(faults("  a: {COMMON, needs: [a]}\n").contains("a -> a"));
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(faults("  a: {COMMON, colour: red}\n").contains("colour"));
    }

    #[test]
    fn playbooks_and_roles_must_be_in_the_bundle() {
        Catalog::embedded().unwrap();
        let files = [(
            "components.yaml".to_owned(),
            yaml("  a: {COMMON}\n").into_bytes(),
        )];
        let error = Catalog::of(&Bundle::from_files(files.into()))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("there is no a.yml") && error.contains("there is no role a"),
            "{error}"
        );
    }

    #[test]
    fn a_component_is_what_its_own_files_are() {
        let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
        let catalog = yaml("  a: {COMMON}\n");
        let digest = |more: &[(&str, &str)]| {
            let mut files: BTreeMap<_, _> = [
                file("components.yaml", &catalog),
                file("a.yml", "-"),
                file("roles/a/x", "-"),
            ]
            .into();
            files.extend(more.iter().map(|(path, text)| file(path, text)));
            Catalog::of(&Bundle::from_files(files)).unwrap().files["a"].clone()
        };
        let before = digest(&[]);
        for own in ["a.yml", "roles/a/x", "roles/a/y"] {
            assert_ne!(digest(&[(own, "changed")]), before, "{own}");
        }
        for other in ["b.yml", "roles/b/x", "roles/ab/x", "ansible.cfg"] {
            assert_eq!(digest(&[(other, "changed")]), before, "{other}");
        }
    }
}
