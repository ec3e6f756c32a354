//! A Helm repository of the charts in a folder, packed the same way every time, so that a chart has one digest.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path as RequestPath, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

const INDEX: &str = "index.yaml";
/// The time that every packed file carries; a real one would change the digest.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// The repository's files by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charts {
    files: BTreeMap<String, Bytes>,
}

/// A served repository; dropping it ends the server.
#[derive(Debug)]
pub struct ChartServer {
    address: SocketAddr,
    _server: AbortOnDropHandle<()>,
}

impl Charts {
    /// Packs every chart folder in `folder`.
    pub fn pack(folder: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut entries: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for chart in sorted(folder)?
            .into_iter()
            .filter(|path| path.join("Chart.yaml").is_file())
        {
            let (name, archive, entry) = pack(&chart).with_context(|| {
                format!("SLW-952: the chart {} cannot be packed", chart.display())
            })?;
            entries.entry(name).or_default().push(entry);
            files.insert(archive.0, archive.1);
        }
        let index = json!({ "apiVersion": "v1", "generated": EPOCH, "entries": entries });
        // JSON is YAML too.
        files.insert(INDEX.to_owned(), serde_json::to_vec_pretty(&index)?.into());
        Ok(Self { files })
    }

    /// How many charts there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.files.len().saturating_sub(1)
    }

    /// Serves the repository under `/charts` on a free loopback port.
    pub async fn serve(self) -> Result<ChartServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/charts/{file}", get(answer))
            .with_state(self);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the chart repository ended");
            }
        });
        Ok(ChartServer {
            address,
            _server: AbortOnDropHandle::new(server),
        })
    }
}

impl ChartServer {
    /// Where Helm finds the repository.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/charts", self.address)
    }
}

async fn answer(State(charts): State<Charts>, RequestPath(file): RequestPath<String>) -> Response {
    match charts.files.get(&file) {
        Some(content) => {
            let kind = if file == INDEX {
                "application/yaml"
            } else {
                "application/gzip"
            };
            ([(header::CONTENT_TYPE, kind)], content.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// One chart: its name, its archive (file name and content) and its entry in the index.
fn pack(folder: &Path) -> Result<(String, (String, Bytes), Value)> {
    let text = fs::read_to_string(folder.join("Chart.yaml"))?;
    let mut entry: Value = serde_saphyr::from_str(&text)?;
    let field = |name: &str| {
        entry[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("Chart.yaml has no {name}"))
    };
    let (name, version) = (field("name")?, field("version")?);
    let archive = archive(folder, &name)?;
    let file = format!("{name}-{version}.tgz");
    entry["urls"] = json!([file]);
    entry["created"] = json!(EPOCH);
    entry["digest"] = json!(hex(&Sha256::digest(&archive)));
    Ok((name, (file, archive.into()), entry))
}

fn archive(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for path in files_below(folder)? {
        let content = fs::read(&path)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len().try_into()?);
        header.set_mode(0o644);
        header.set_mtime(0);
        let inside = Path::new(name).join(path.strip_prefix(folder)?);
        archive.append_data(&mut header, inside, content.as_slice())?;
    }
    let mut packed = archive.into_inner()?;
    packed.flush()?;
    Ok(packed.finish()?)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in sorted(folder)? {
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("the folder {} cannot be read", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join("kong");
        fs::create_dir_all(chart.join("templates")).unwrap();
        fs::write(
            chart.join("Chart.yaml"),
            "apiVersion: v2\nname: kong\nversion: 2.3.4\n",
        )
        .unwrap();
        fs::write(chart.join("templates/a.yaml"), "a: 1\n").unwrap();
        folder
    }

    #[test]
    fn a_chart_packs_to_the_same_bytes_wherever_it_lies() {
        let (one, two) = (folder(), folder());
        assert_eq!(
            Charts::pack(one.path()).unwrap(),
            Charts::pack(two.path()).unwrap()
        );
    }

    #[test]
    fn the_index_names_the_archive_and_its_digest() {
        let folder = folder();
        let charts = Charts::pack(folder.path()).unwrap();
        let index: Value = serde_json::from_slice(&charts.files[INDEX]).unwrap();
        let entry = &index["entries"]["kong"][0];
        assert_eq!(entry["urls"][0], "kong-2.3.4.tgz");
        assert_eq!(
            entry["digest"],
            hex(&Sha256::digest(&charts.files["kong-2.3.4.tgz"]))
        );
        assert_eq!(charts.count(), 1);
    }
}
