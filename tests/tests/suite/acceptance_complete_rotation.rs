//! Secrets of `examples/complete` after their version was raised: exactly those that may be replaced are, once, and whoever
//! reads one has the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use slipway_tests::{Cluster, Run, Sandbox};

/// The components that know `secrets_version`, but for the one whose values stand in the example already.
const RAISED: [&str; 6] = [
    "authentik",
    "elasticsearch",
    "infisical",
    "minio",
    "platform-api",
    "valkey",
];
const WITH_VALUES: (&str, &str) = ("gitlab-runner", "slipway = { url = var.gitlab_url");

/// Everything that is another value afterwards. The store of a rehearsal is a `MinIO`, whose users keep their access key.
const REPLACED: [&str; 36] = [
    "authentik/authentik/AUTHENTIK_SECRET_KEY",
    "authentik/oidc-clients/GRAFANA_CLIENT_SECRET",
    "authentik/oidc-clients/PLATFORM_API_CLIENT_SECRET",
    "authentik/oidc-clients/PLATFORM_CONSOLE_CLIENT_SECRET",
    "elasticsearch/user-fluent-bit/password",
    "elasticsearch/user-grafana/password",
    "elasticsearch/user-platform-api/password",
    "flux-system/platform-bucket/secretkey",
    "gitlab-runner/runner/runner-token",
    "infisical/identity-environment-controller/client_secret",
    "infisical/identity-environment-controller/secrets_version",
    "infisical/identity-gitlab-ci/client_secret",
    "infisical/identity-gitlab-ci/secrets_version",
    "infisical/identity-platform-api/client_secret",
    "infisical/identity-platform-api/secrets_version",
    "infisical/identity-slipway/client_secret",
    "infisical/identity-slipway/secrets_version",
    "infisical/infisical-secrets/AUTH_SECRET",
    "infisical/infisical-secrets/REDIS_URL",
    "logging/elasticsearch/ELASTICSEARCH_PASSWORD",
    "minio/identity-environment-controller/secret_key",
    "minio/identity-flux/secret_key",
    "minio/identity-gitlab-ci/secret_key",
    "minio/identity-platform-api/secret_key",
    "minio/identity-terraform/secret_key",
    "minio/object-store-root/access_key",
    "minio/object-store-root/seaweedfs_s3_config",
    "minio/object-store-root/secret_key",
    "monitoring/datasource-logs/logs.yaml",
    "monitoring/oidc-client/GF_OIDC_CLIENT_SECRET",
    "platform-api/platform-api/policy_token",
    "platform-api/platform-api/search_password",
    "platform-api/platform-api/secret_key",
    "slipway-system/claim-store/secret_key",
    "valkey/valkey/password",
    "valkey/valkey/uri",
];

/// Where pods read one of them when they start, and so start again.
const STARTED_AGAIN: [&str; 8] = [
    "authentik",
    "gitlab-runner",
    "infisical",
    "logging",
    "minio",
    "monitoring",
    "platform-api",
    "valkey",
];

/// What the provider keeps there, with the values that the test changes.
const SETTINGS: &str = "slipway-system/platform/";

type Secrets = BTreeMap<String, BTreeMap<String, String>>;

/// The data source is found by its label, reads as the user that may read, and its password is in no `ConfigMap`.
pub(crate) fn grafana_asks_for_the_logs(cluster: &Cluster) -> Result<()> {
    let sources = cluster.secrets("grafana_datasource=1")?;
    let source = sources
        .get("monitoring/datasource-logs")
        .and_then(|data| data.get("logs.yaml"))
        .with_context(|| format!("no data source for the logs among {:?}", sources.keys()))?;
    let source: Value = serde_json::from_str(source)?;
    let source = &source["datasources"][0];
    let user = cluster.secret("elasticsearch", "user-grafana")?;
    let password = user.get("password").context("no password")?;
    let secret = &source["secureJsonData"];
    ensure!(
        source["type"] == "elasticsearch"
            && source["basicAuthUser"] == user["username"]
            && secret["basicAuthPassword"] == *password
            && secret["tlsCACert"]
                .as_str()
                .is_some_and(|authority| authority.contains("BEGIN CERTIFICATE")),
        "the data source for the logs has not what it needs: {}",
        source["jsonData"]
    );
    let open = cluster.config_maps_with(password)?;
    ensure!(open.is_empty(), "Grafana's password stands in {open:?}");
    Ok(())
}

/// Raises every version, applies, and looks; then has the same playbooks run again, which find nothing to do.
pub(crate) fn secrets_are_replaced(
    sandbox: &Sandbox,
    cluster: &Cluster,
    configuration: &Path,
    apply: &dyn Fn() -> Result<Run>,
) -> Result<()> {
    let original = std::fs::read_to_string(configuration)?;
    let (before, marks) = (cluster.secrets("")?, cluster.secret_marks()?);

    std::fs::write(configuration, with(&original, "secrets_version = 2")?)?;
    apply()?;
    let (after, new_marks) = (cluster.secrets("")?, cluster.secret_marks()?);
    let expected: BTreeSet<String> = REPLACED.map(str::to_owned).into();
    let replaced = differences(&before, &after);
    ensure!(
        replaced == expected,
        "replaced, and not to be: {:?}; not replaced: {:?}",
        replaced.difference(&expected),
        expected.difference(&replaced)
    );
    let restarted: BTreeSet<&str> = new_marks
        .iter()
        .filter(|(place, mark)| marks.get(*place) != Some(mark))
        .filter_map(|(place, _)| place.split('/').next())
        .collect();
    ensure!(
        restarted == STARTED_AGAIN.into(),
        "pods were started again in {restarted:?}"
    );
    services_took_the_new_ones(sandbox)?;
    grafana_asks_for_the_logs(cluster)?;

    let records = cluster.journal()?;
    let settings = "secrets_version = 2, wait_seconds = 601";
    std::fs::write(configuration, with(&original, settings)?)?;
    apply()?;
    ensure!(
        differences(&after, &cluster.secrets("")?).is_empty()
            && cluster.secret_marks()? == new_marks,
        "the second run replaced something"
    );
    for (component, record) in cluster.journal()? {
        let again = record.get("run") != records[&component].get("run");
        ensure!(
            again || !RAISED.contains(&component.as_str()),
            "{component} was to run again"
        );
        ensure!(
            !again || record.get("changed").is_some_and(|count| count == "0"),
            "the second run of {component} changed something: {record:?}"
        );
    }
    Ok(())
}

/// The example with these settings under `slipway` of every component that makes secrets.
fn with(example: &str, settings: &str) -> Result<String> {
    let (component, given) = WITH_VALUES;
    ensure!(example.contains(given), "the example sets no {component}");
    let mut text = example.replace(given, &format!("{given}, {settings}"));
    for component in RAISED {
        let line = text
            .lines()
            .find(|line| {
                line.split_once('=').is_some_and(|(name, value)| {
                    name.trim() == component && value.trim() == "{ size = var.size }"
                })
            })
            .with_context(|| format!("the example sets no {component}"))?
            .to_owned();
        let values = format!(
            "    {component} = {{ size = var.size, values = yamlencode({{ slipway = {{ {settings} }} }}) }}"
        );
        text = text.replace(&line, &values);
    }
    Ok(text)
}

/// The values that differ, as `namespace/name/key`.
fn differences(before: &Secrets, after: &Secrets) -> BTreeSet<String> {
    let flat = |secrets: &Secrets| -> BTreeMap<String, String> {
        let values = secrets.iter().flat_map(|(place, data)| {
            data.iter()
                .map(move |(key, value)| (format!("{place}/{key}"), value.clone()))
        });
        values
            .filter(|(place, _)| !place.starts_with(SETTINGS))
            .collect()
    };
    let (before, after) = (flat(before), flat(after));
    let places = before.keys().chain(after.keys());
    places
        .filter(|place| before.get(*place) != after.get(*place))
        .cloned()
        .collect()
}

/// The services that keep a copy of their own were told, and no runner was made beside the one that there is.
fn services_took_the_new_ones(sandbox: &Sandbox) -> Result<()> {
    let calls = sandbox.service_calls()?;
    if let Some(call) = calls.iter().find(|call| !call.expected) {
        anyhow::bail!("a call that nobody expected: {call:?}");
    }
    for (service, path, times) in [
        ("gitlab", "/api/v4/user/runners", 1),
        ("gitlab", "/api/v4/runners/1/reset_authentication_token", 1),
        ("authentik", "/api/v3/managed/blueprints/1/apply/", 2),
    ] {
        let made = calls.iter().filter(|call| call.is(service, "POST", path));
        let made = made.count();
        ensure!(
            made == times,
            "POST {path} of {service} was called {made} times"
        );
    }
    Ok(())
}
