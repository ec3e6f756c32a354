//! Small servers that stand in for programs that the sandbox does not run: what the playbooks say to them over HTTP is
//! checked strictly, by method, path, authentication and body, and every call is written down.
//!
//! A call that the real program would not take, or that nobody foresaw, is answered with an error and marked as not
//! expected. The servers remember what they were told, so that a second run of a playbook finds it; they do nothing else.

mod artifactory;
mod authentik;
mod body;
mod call;
mod cloudflare;
mod desk;
mod elasticsearch;
mod encrypted;
mod gitlab;
mod infisical;

pub(crate) use desk::{Desk, External};

use artifactory::Artifactory;
use authentik::Authentik;
use call::Service;
use elasticsearch::Elasticsearch;
use infisical::Infisical;

/// A program whose pods are fake, and where its stand-in is reached instead.
pub(crate) struct InCluster {
    pub(crate) namespace: &'static str,
    /// Port of the pod that is forwarded to the stand-in.
    pub(crate) port: u16,
    /// The names that its certificate is issued to; none without TLS.
    names: &'static [&'static str],
    make: fn(kube::Client) -> Box<dyn Service>,
}

/// Programs that run in pods.
pub(crate) const IN_CLUSTER: [InCluster; 4] = [
    InCluster {
        namespace: "infisical",
        port: 8080,
        names: &[],
        make: |_| Box::new(Infisical::default()),
    },
    InCluster {
        namespace: "authentik",
        port: 9000,
        names: &[],
        make: |client| Box::new(Authentik::new(client)),
    },
    InCluster {
        namespace: "artifactory",
        port: 8082,
        names: &[],
        make: |client| Box::new(Artifactory::new(client)),
    },
    InCluster {
        namespace: "elasticsearch",
        port: 9200,
        names: &[
            "elasticsearch-es-http.elasticsearch.es.local",
            "elasticsearch-es-http",
            "elasticsearch-es-http.elasticsearch",
            "elasticsearch-es-http.elasticsearch.svc",
        ],
        make: |client| Box::new(Elasticsearch::new(client)),
    },
];
