//! What Helm makes of a chart with a role's values, without a cluster.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Component, SIZES, components, playbooks, pods, yaml};

/// What a chart asks the cluster for, so that Helm renders what it would render there.
const CLUSTER: [&str; 4] = [
    "--kube-version",
    "1.36.0",
    "--api-versions",
    "networking.k8s.io/v1/IngressClass",
];
/// Where an image is said to be that no registry has until somebody brings it there.
const NOWHERE: &str = "registry.invalid/";
const STORAGE_CLASS: &str = "vultr-block-storage";
/// Components that keep their data in a database of their own, by size; its pods come from no chart.
const POSTGRES: &[(&str, &str, &[&str])] = &[
    ("artifactory", "artifactory-jcr", &["dev", "ha"]),
    ("authentik", "authentik", &["dev", "ha"]),
    ("infisical", "infisical-standalone", &["dev", "ha"]),
    ("opal", "opal", &["ha"]),
    ("minio", "seaweedfs", &["ha"]),
];
/// The component whose chart is an operator, and whose data is in pods that this operator makes.
const ELASTICSEARCH: &str = "elasticsearch";

/// The objects of one component in one size.
#[derive(Debug)]
pub struct Rendered {
    component: Component,
    size: &'static str,
    objects: Vec<Value>,
}

/// What the pods of a component ask for together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// Thousandths of a processor.
    pub millicores: u64,
    /// Memory in MiB.
    pub mebibytes: u64,
    /// Volumes: how many, and of how many GiB each.
    pub volumes: Vec<(u64, u64)>,
}

/// Renders a component's chart from `chart`: a folder or an archive.
pub fn render(
    helm: &Path,
    chart: &Path,
    component: &Component,
    size: &'static str,
) -> Result<Rendered> {
    let mut command = Command::new(helm);
    command
        .args(["template", &component.name])
        .arg(chart)
        .args([
            "--namespace",
            &component.namespace,
            "--skip-crds",
            "--skip-tests",
        ])
        .args(CLUSTER);
    for file in component.value_files(size)? {
        command.arg("--values").arg(file);
    }
    let output = command.output().context("helm does not start")?;
    ensure!(
        output.status.success(),
        "{} in size {size} cannot be rendered: {}",
        component.name,
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text)
        .with_context(|| format!("{} in size {size} renders no YAML", component.name))?;
    Ok(Rendered {
        component: component.clone(),
        size,
        objects: objects
            .into_iter()
            .filter(|object| !object.is_null())
            .collect(),
    })
}

impl Rendered {
    /// Everything that its pods and volumes do not keep to.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.objects
            .iter()
            .flat_map(|object| self.faults_of(object))
            .collect()
    }

    fn faults_of(&self, object: &Value) -> Vec<String> {
        let kind = object["kind"].as_str().unwrap_or("?");
        let mut faults = pods::template(object)
            .map(|(_, pod)| pods::faults(&self.component.name, kind, pod))
            .unwrap_or_default();
        faults.extend(
            claims(object)
                .filter(|claim| claim["storageClassName"] != STORAGE_CLASS)
                .map(|claim| format!("has a volume of class {}", claim["storageClassName"])),
        );
        let title = format!(
            "{} {} in size {}: {} {}",
            self.component.name,
            self.component.chart,
            self.size,
            kind,
            object["metadata"]["name"].as_str().unwrap_or("?")
        );
        faults
            .into_iter()
            .map(|fault| format!("{title} {fault}"))
            .collect()
    }

    /// The images that its pods run, but for those that `cargo xtask images` makes.
    pub fn images(&self) -> Result<BTreeSet<String>> {
        let mut images: BTreeSet<String> = self
            .objects
            .iter()
            .filter_map(pods::template)
            .flat_map(|(_, pod)| pods::containers(pod))
            .filter_map(|container| container["image"].as_str().map(str::to_owned))
            .filter(|image| !image.starts_with(NOWHERE))
            .collect();
        if self.component.name == ELASTICSEARCH {
            let version = text(&elasticsearch()?["elasticsearch_pinned_version"]);
            images.insert(format!(
                "docker.elastic.co/elasticsearch/elasticsearch:{version}"
            ));
        }
        Ok(images)
    }

    /// What its pods ask for, those of its database included.
    pub fn budget(&self) -> Result<Budget> {
        let mut budget = Budget::default();
        for object in &self.objects {
            if is_operated(object) {
                let spec = &object["spec"];
                let claim = &spec["storage"]["volumeClaimTemplate"]["spec"];
                budget.add_instances(
                    spec,
                    &spec["replicas"],
                    &claim["resources"]["requests"]["storage"],
                )?;
                continue;
            }
            let count = match pods::template(object) {
                // What runs once asks for nothing that stays.
                Some((0, _)) => 0,
                Some((count, pod)) => {
                    budget.add_pods(
                        count.into(),
                        pod["containers"].as_array().into_iter().flatten(),
                    )?;
                    count.into()
                }
                None => 1,
            };
            for claim in claims(object) {
                let size = text(&claim["resources"]["requests"]["storage"]);
                budget.volumes.push((count, mebibytes(&size)? / 1024));
            }
        }
        let has_postgres = POSTGRES.iter().any(|(name, chart, sizes)| {
            *name == self.component.name
                && *chart == self.component.chart
                && sizes.contains(&self.size)
        });
        if has_postgres {
            budget.add_postgres(self.size)?;
        }
        if self.component.name == ELASTICSEARCH {
            budget.add_elasticsearch(self.size)?;
        }
        budget.volumes.sort_unstable();
        Ok(budget)
    }
}

impl Budget {
    fn add_pods<'a>(
        &mut self,
        count: u64,
        containers: impl Iterator<Item = &'a Value>,
    ) -> Result<()> {
        for container in containers {
            let requests = &container["resources"]["requests"];
            self.millicores += count * millicores(&text(&requests["cpu"]))?;
            self.mebibytes += count * mebibytes(&text(&requests["memory"]))?;
        }
        Ok(())
    }

    fn add_postgres(&mut self, size: &str) -> Result<()> {
        let role = playbooks().join("roles/postgres");
        let sized = yaml(&role.join("vars/main.yml"))?["postgres_sizes"][size].clone();
        let storage = yaml(&role.join("defaults/main.yml"))?["postgres_storage"].clone();
        self.add_instances(&sized, &sized["instances"], &storage)
    }

    fn add_elasticsearch(&mut self, size: &str) -> Result<()> {
        let sized = elasticsearch()?["elasticsearch_sizes"][size].clone();
        self.add_instances(&sized, &sized["instances"], &sized["storage"])
    }

    /// What an operator runs: so many pods, each with a volume.
    fn add_instances(&mut self, sized: &Value, count: &Value, storage: &Value) -> Result<()> {
        let instances = count.as_u64().context("the size says no instances")?;
        self.add_pods(instances, [sized].into_iter())?;
        self.volumes
            .push((instances, mebibytes(&text(storage))? / 1024));
        Ok(())
    }

    fn add(&mut self, other: &Self) {
        self.millicores += other.millicores;
        self.mebibytes += other.mebibytes;
        self.volumes.extend(&other.volumes);
    }

    /// Processors and memory, as tables show them.
    fn requests(&self) -> String {
        let (centicores, tenths) = (
            self.millicores.div_ceil(10),
            (self.mebibytes * 10).div_ceil(1024),
        );
        format!(
            "{}.{:02} / {}.{} Gi",
            centicores / 100,
            centicores % 100,
            tenths / 10,
            tenths % 10
        )
    }
}

/// The volumes, as tables show them.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.volumes.is_empty() {
            return f.write_str("–");
        }
        let shown: Vec<String> = self
            .volumes
            .iter()
            .map(|(count, size)| {
                if *count == 1 {
                    format!("{size} Gi")
                } else {
                    format!("{count} × {size} Gi")
                }
            })
            .collect();
        f.write_str(&shown.join(" + "))
    }
}

/// A row of Markdown for each component: requests in both sizes, and volumes; then the sum. What stands in the table's
/// last column is the reader's matter, so a row is only its beginning.
pub fn table(helm: &Path) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    let mut sums = [Budget::default(), Budget::default()];
    for component in components()? {
        let mut budgets = Vec::new();
        for (size, sum) in SIZES.into_iter().zip(&mut sums) {
            let budget = render(helm, &component.stand_in(), &component, size)?.budget()?;
            if !component.is_an_alternative() {
                sum.add(&budget);
            }
            budgets.push(budget);
        }
        let [dev, ha] = budgets.as_slice() else {
            bail!("{} has not two sizes", component.name)
        };
        let mut row = format!("| `{}`", component.name);
        if component.is_an_alternative() {
            write!(row, " on {}", component.chart)?;
        }
        write!(
            row,
            " | {} | {} | {dev}; {ha} |",
            dev.requests(),
            ha.requests()
        )?;
        rows.push(row);
    }
    rows.push(format!(
        "| sum | {} | {} |",
        sums[0].requests(),
        sums[1].requests()
    ));
    Ok(rows)
}

/// Whether an object is one of those that the Prometheus operator makes pods of.
fn is_operated(object: &Value) -> bool {
    matches!(object["kind"].as_str(), Some("Prometheus" | "Alertmanager"))
}

/// What the role of Elasticsearch says about its cluster.
fn elasticsearch() -> Result<Value> {
    yaml(&playbooks().join("roles/elasticsearch/vars/main/main.yml"))
}

/// The claims of volumes that an object makes.
fn claims(object: &Value) -> impl Iterator<Item = &Value> {
    let own = (object["kind"] == "PersistentVolumeClaim").then_some(&object["spec"]);
    let templates = object["spec"]["volumeClaimTemplates"]
        .as_array()
        .into_iter()
        .flatten();
    own.into_iter()
        .chain(templates.map(|template| &template["spec"]))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn millicores(quantity: &str) -> Result<u64> {
    match quantity.strip_suffix('m') {
        Some(milli) => Ok(milli.parse()?),
        None => Ok(1000
            * quantity
                .parse::<u64>()
                .with_context(|| format!("{quantity:?} is no amount of processors"))?),
    }
}

fn mebibytes(quantity: &str) -> Result<u64> {
    let number = |text: &str| {
        text.parse::<u64>()
            .with_context(|| format!("{quantity:?} is no amount of memory"))
    };
    match quantity.split_at_checked(quantity.len().saturating_sub(2)) {
        Some((amount, "Gi")) => Ok(1024 * number(amount)?),
        Some((amount, "Mi")) => number(amount),
        _ => bail!("{quantity:?} is neither in Mi nor in Gi"),
    }
}
