//! A real Kubernetes API server on etcd, for one test. No controllers: the journal needs none.

use crate::host::tools;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const TOKEN: &str = "canary-kubeconfig-token";

pub(crate) struct ApiServer {
    folder: tempfile::TempDir,
    port: u16,
    etcd: Child,
    server: Child,
}

impl ApiServer {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("slipway-api")
            .tempdir()
            .unwrap();
        let [port, client, peer] = [(); 3].map(|()| {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        });
        let etcd_url = format!("http://127.0.0.1:{client}");
        let etcd = start_etcd(
            folder.path(),
            &etcd_url,
            &format!("http://127.0.0.1:{peer}"),
        );
        let server = start_server(folder.path(), &etcd_url, port);
        let started = Self {
            folder,
            port,
            etcd,
            server,
        };
        started.until_ready().await;
        started
    }

    async fn until_ready(&self) {
        let client = kube::Client::try_from(self.config().await).unwrap();
        let end = Instant::now() + Duration::from_secs(90);
        let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(client);
        while namespaces.get("default").await.is_err() {
            assert!(Instant::now() < end, "the API server does not become ready");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn config(&self) -> kube::Config {
        let parsed = kube::config::Kubeconfig::from_yaml(&self.kubeconfig()).unwrap();
        kube::Config::from_custom_kubeconfig(parsed, &kube::config::KubeConfigOptions::default())
            .await
            .unwrap()
    }

    pub(crate) fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
             clusters:\n- name: it\n  cluster:\n    server: https://127.0.0.1:{}\n    insecure-skip-tls-verify: true\n\
             users:\n- name: admin\n  user:\n    token: {TOKEN}\n\
             contexts:\n- name: it\n  context:\n    cluster: it\n    user: admin\n",
            self.port
        )
    }

    /// The data of a component's record.
    pub(crate) async fn record(
        &self,
        component: &str,
    ) -> std::collections::BTreeMap<String, String> {
        let client = kube::Client::try_from(self.config().await).unwrap();
        let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
            kube::Api::namespaced(client, "slipway-system");
        let object = api.get(component).await.unwrap();
        let labels = object.metadata.labels.unwrap();
        assert_eq!(labels["app.kubernetes.io/managed-by"], "slipway");
        object.data.unwrap()
    }

    /// As if nothing had ever been installed.
    pub(crate) async fn forget_everything(&self) {
        let client = kube::Client::try_from(self.config().await).unwrap();
        let records: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
            kube::Api::namespaced(client, "slipway-system");
        let (how, which) = (
            kube::api::DeleteParams::default(),
            kube::api::ListParams::default(),
        );
        records.delete_collection(&how, &which).await.unwrap();
    }

    pub(crate) fn everything_stored(&self) -> std::path::PathBuf {
        self.folder.path().join("etcd")
    }
}

fn start_etcd(folder: &Path, clients: &str, peers: &str) -> Child {
    let mut etcd = Command::new(tools().join("etcd"));
    etcd.arg("--data-dir").arg(folder.join("etcd"));
    etcd.args(["--unsafe-no-fsync", "--log-level", "error"]);
    etcd.args([
        "--listen-client-urls",
        clients,
        "--advertise-client-urls",
        clients,
    ]);
    etcd.args([
        "--listen-peer-urls",
        peers,
        "--initial-advertise-peer-urls",
        peers,
    ]);
    etcd.args(["--initial-cluster", &format!("default={peers}")]);
    spawn(&mut etcd)
}

fn start_server(folder: &Path, etcd: &str, port: u16) -> Child {
    let (tokens, key) = (folder.join("tokens.csv"), folder.join("sa.key"));
    std::fs::write(&tokens, format!("{TOKEN},admin,admin,system:masters\n")).unwrap();
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f"]);
    assert!(keygen.arg(&key).status().unwrap().success());
    let mut server = Command::new(tools().join("kube-apiserver"));
    server.args(["--etcd-servers", etcd, "--authorization-mode", "RBAC"]);
    server.args([
        "--bind-address",
        "127.0.0.1",
        "--secure-port",
        &port.to_string(),
    ]);
    server.args([
        "--advertise-address",
        "127.0.0.1",
        "--endpoint-reconciler-type",
        "none",
    ]);
    server.args(["--service-cluster-ip-range", "10.96.0.0/16"]);
    server.args(["--service-account-issuer", "https://kubernetes.default.svc"]);
    server.arg("--service-account-key-file").arg(&key);
    server.arg("--service-account-signing-key-file").arg(&key);
    server.arg("--cert-dir").arg(folder.join("certs"));
    server.arg("--token-auth-file").arg(&tokens);
    spawn(&mut server)
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.etcd] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
