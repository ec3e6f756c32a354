//! One etcd for all clusters of a sandbox; each cluster keeps its objects under a prefix of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::sync::Mutex;

use super::program::{Program, Running};
use super::tools::Tools;
use super::waiting::{Wait, answers_well};
use crate::processes::Processes;

const START_DEADLINE: Duration = Duration::from_mins(1);

/// The running store.
#[derive(Debug)]
pub(crate) struct Etcd {
    pub(crate) url: String,
    running: Mutex<Option<Running>>,
}

impl Etcd {
    /// Starts the store with an election short enough to be over in 60 ms, on data that need not survive a power cut.
    pub(crate) async fn start(tools: &Tools, folder: &Path, processes: &Processes) -> Result<Self> {
        let data = folder.join("etcd");
        std::fs::create_dir_all(&data)?;
        let [clients, peers] = free_urls()?;
        let program = Program::new("etcd", &tools.program("etcd")?, &data)
            .argument("--data-dir=data")
            .argument(format!("--listen-client-urls={clients}"))
            .argument(format!("--advertise-client-urls={clients}"))
            .argument(format!("--listen-peer-urls={peers}"))
            .argument("--unsafe-no-fsync")
            .argument("--heartbeat-interval=10")
            .argument("--election-timeout=100")
            .variable("GOGC", "50");
        let mut running = program.start(processes, &folder.join("logs"))?;
        let health = format!("{clients}/health");
        let wait = Wait::until("etcd is healthy", START_DEADLINE);
        while !answers_well(&health).await {
            running.ensure_alive()?;
            wait.pause().await?;
        }
        Ok(Self {
            url: clients,
            running: Mutex::new(Some(running)),
        })
    }

    /// Removes everything under a cluster's prefix.
    pub(crate) async fn remove(&self, prefix: &str) -> Result<()> {
        // The end of the range is the prefix with its last byte raised: '/' becomes '0'.
        let key = STANDARD.encode(format!("{prefix}/"));
        let range_end = STANDARD.encode(format!("{prefix}0"));
        reqwest::Client::new()
            .post(format!("{}/v3/kv/deleterange", self.url))
            .json(&json!({ "key": key, "range_end": range_end }))
            .send()
            .await?
            .error_for_status()
            .with_context(|| format!("the objects under {prefix} cannot be removed from etcd"))?;
        Ok(())
    }

    /// Ends the store; clusters that still use it lose their objects.
    pub(crate) async fn stop(&self) -> Result<()> {
        match self.running.lock().await.take() {
            Some(running) => running.stop(Duration::ZERO).await,
            None => Ok(()),
        }
    }
}

/// Two ports that nobody listens on, both held until both are known.
fn free_urls() -> Result<[String; 2]> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let second = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok([
        format!("http://{}", first.local_addr()?),
        format!("http://{}", second.local_addr()?),
    ])
}
