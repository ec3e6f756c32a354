//! A real Kubernetes API server on etcd, for one test. No controllers: the journal needs none.

use crate::host::tools;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
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
        let path = |name: &str| folder.path().join(name).display().to_string();
        let [port, client, peer] = [(); 3].map(|()| {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        });
        let etcd_url = format!("http://127.0.0.1:{client}");
        let peer_url = format!("http://127.0.0.1:{peer}");
        std::fs::write(
            path("tokens.csv"),
            format!("{TOKEN},admin,admin,system:masters\n"),
        )
        .unwrap();
        let made = Command::new("ssh-keygen")
            .args([
                "-q",
                "-t",
                "rsa",
                "-b",
                "2048",
                "-m",
                "PEM",
                "-N",
                "",
                "-f",
                &path("sa.key"),
            ])
            .status()
            .unwrap();
        assert!(made.success());
        let etcd = spawn(
            Command::new(tools().join("etcd"))
                .args([
                    "--data-dir",
                    &path("etcd"),
                    "--unsafe-no-fsync",
                    "--log-level",
                    "error",
                ])
                .args([
                    "--listen-client-urls",
                    &etcd_url,
                    "--advertise-client-urls",
                    &etcd_url,
                ])
                .args([
                    "--listen-peer-urls",
                    &peer_url,
                    "--initial-advertise-peer-urls",
                    &peer_url,
                ])
                .args(["--initial-cluster", &format!("default={peer_url}")]),
        );
        let server = spawn(
            Command::new(tools().join("kube-apiserver"))
                .args([
                    "--etcd-servers",
                    &etcd_url,
                    "--bind-address",
                    "127.0.0.1",
                    "--secure-port",
                    &port.to_string(),
                ])
                .args([
                    "--advertise-address",
                    "127.0.0.1",
                    "--endpoint-reconciler-type",
                    "none",
                ])
                .args([
                    "--cert-dir",
                    &path("certs"),
                    "--token-auth-file",
                    &path("tokens.csv"),
                ])
                .args([
                    "--authorization-mode",
                    "RBAC",
                    "--service-cluster-ip-range",
                    "10.96.0.0/16",
                ])
                .args(["--service-account-issuer", "https://kubernetes.default.svc"])
                .args([
                    "--service-account-key-file",
                    &path("sa.key"),
                    "--service-account-signing-key-file",
                    &path("sa.key"),
                ]),
        );
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

    pub(crate) fn everything_stored(&self) -> std::path::PathBuf {
        self.folder.path().join("etcd")
    }
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
