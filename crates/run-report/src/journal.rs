//! The record of a component in the cluster: `ConfigMap` `slipway-system/<component>`.

use crate::catalog::Component;
use crate::digest::Wanted;
use crate::outcome::{Failure, Progress};
use crate::request::Size;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;
use uuid::Uuid;

/// Namespace of the records.
pub const NAMESPACE: &str = "slipway-system";
/// Labels of a record.
pub const LABELS: [(&str, &str); 2] = [
    ("app.kubernetes.io/managed-by", "slipway"),
    ("slipway.dev/journal", "component"),
];
/// Field manager of the one writer.
pub const FIELD_MANAGER: &str = "slipway-bootstrap";

/// What is known of the last run of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// Digest of everything.
    pub digest: String,
    /// Digest of playbook, roles and catalogue entry.
    pub playbook_digest: String,
    /// Digest of the values.
    pub values_digest: String,
    /// Digest of what it uses.
    pub inputs_digest: String,
    /// Chart version that was asked for.
    pub version: String,
    /// Size.
    pub size: Size,
    /// Version of the secrets, for a component that reads some.
    pub secrets_version: Option<u64>,
    /// Chart name.
    pub chart: String,
    /// Chart version that was installed.
    pub chart_version: String,
    /// Version of what the chart installs.
    pub app_version: String,
    /// How far it got.
    pub outcome: Progress,
    /// Tasks that changed something, once it ended.
    pub changed: Option<u64>,
    /// How long it took, once it ended.
    pub duration_ms: Option<u64>,
    /// How long it usually takes: learned from the runs that ended well, the last one counting half.
    pub typical_ms: Option<u64>,
    /// When its playbook was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The run that started it.
    pub run: Uuid,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// Why a `ConfigMap` is not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// A key that every record has is not there.
    #[error("the record has no `{0}`")]
    Missing(&'static str),
    /// A key has a value that cannot be.
    #[error("the record's `{key}` cannot be `{value}`")]
    Invalid {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// Keys of another release, or of another writer.
    #[error("the record has keys that this release does not know: {}", .0.join(", "))]
    Unknown(Vec<String>),
}

impl JournalRecord {
    /// The record of a component whose playbook is about to start.
    #[must_use]
    pub fn running(
        wanted: &Wanted,
        component: &Component,
        run: Uuid,
        earlier: Option<&Self>,
        now: Timestamp,
    ) -> Self {
        Self {
            digest: wanted.digests.digest.clone(),
            playbook_digest: wanted.digests.playbook.clone(),
            values_digest: wanted.digests.values.clone(),
            inputs_digest: wanted.digests.inputs.clone(),
            version: wanted.version.clone(),
            size: wanted.size,
            secrets_version: wanted.secrets_version,
            chart: component.chart.name.clone(),
            chart_version: wanted.version.clone(),
            app_version: component.chart.app_version.clone(),
            outcome: Progress::Running,
            changed: None,
            duration_ms: None,
            typical_ms: earlier.and_then(|earlier| earlier.typical_ms),
            started_at: now,
            finished_at: None,
            run,
            failure: None,
        }
    }

    /// The same record once the playbook ended.
    #[must_use]
    pub fn finished(mut self, failure: Option<Failure>, changed: u64, now: Timestamp) -> Self {
        let elapsed = now.duration_since(self.started_at).as_millis();
        self.outcome = if failure.is_some() {
            Progress::Failed
        } else {
            Progress::Ok
        };
        self.failure = failure;
        self.changed = Some(changed);
        let elapsed = u64::try_from(elapsed).unwrap_or(0);
        self.duration_ms = Some(elapsed);
        if self.outcome == Progress::Ok {
            self.typical_ms = Some(
                self.typical_ms
                    .map_or(elapsed, |typical| typical.midpoint(elapsed)),
            );
        }
        self.finished_at = Some(now);
        self
    }

    /// The record as a `ConfigMap`'s data. What is not known has no key, so that server-side apply removes a stale one.
    #[must_use]
    pub fn to_data(&self) -> BTreeMap<String, String> {
        let failure = self
            .failure
            .as_ref()
            .and_then(|failure| serde_json::to_string(failure).ok());
        let fields = [
            ("digest", Some(self.digest.clone())),
            ("playbook_digest", Some(self.playbook_digest.clone())),
            ("values_digest", Some(self.values_digest.clone())),
            ("inputs_digest", Some(self.inputs_digest.clone())),
            ("version", Some(self.version.clone())),
            ("size", Some(self.size.to_string())),
            (
                "secrets_version",
                self.secrets_version.map(|n| n.to_string()),
            ),
            ("chart", Some(self.chart.clone())),
            ("chart_version", Some(self.chart_version.clone())),
            ("app_version", Some(self.app_version.clone())),
            ("outcome", Some(self.outcome.as_str().to_owned())),
            ("changed", self.changed.map(|n| n.to_string())),
            ("duration_ms", self.duration_ms.map(|n| n.to_string())),
            ("typical_ms", self.typical_ms.map(|n| n.to_string())),
            ("started_at", Some(self.started_at.to_string())),
            ("finished_at", self.finished_at.map(|ts| ts.to_string())),
            ("run", Some(self.run.to_string())),
            ("failure", failure),
        ];
        fields
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }

    /// Reads a `ConfigMap`'s data; anything missing, unknown or odd is an error, because a wrong guess skips a run.
    pub fn from_data(data: &BTreeMap<String, String>) -> Result<Self, JournalError> {
        let mut fields = Fields { data: data.clone() };
        let record = Self {
            digest: fields.text("digest")?,
            playbook_digest: fields.text("playbook_digest")?,
            values_digest: fields.text("values_digest")?,
            inputs_digest: fields.text("inputs_digest")?,
            version: fields.text("version")?,
            size: fields.word("size")?,
            secrets_version: fields.parsed("secrets_version")?,
            chart: fields.text("chart")?,
            chart_version: fields.text("chart_version")?,
            app_version: fields.text("app_version")?,
            outcome: fields.word("outcome")?,
            changed: fields.parsed("changed")?,
            duration_ms: fields.parsed("duration_ms")?,
            typical_ms: fields.parsed("typical_ms")?,
            started_at: fields
                .parsed("started_at")?
                .ok_or(JournalError::Missing("started_at"))?,
            finished_at: fields.parsed("finished_at")?,
            run: fields.parsed("run")?.ok_or(JournalError::Missing("run"))?,
            failure: fields.failure()?,
        };
        if fields.data.is_empty() {
            Ok(record)
        } else {
            Err(JournalError::Unknown(fields.data.into_keys().collect()))
        }
    }
}

/// The keys that have not been read yet.
struct Fields {
    data: BTreeMap<String, String>,
}

impl Fields {
    fn text(&mut self, key: &'static str) -> Result<String, JournalError> {
        self.data.remove(key).ok_or(JournalError::Missing(key))
    }

    fn parsed<T: FromStr>(&mut self, key: &'static str) -> Result<Option<T>, JournalError> {
        let Some(value) = self.data.remove(key) else {
            return Ok(None);
        };
        value
            .parse()
            .map(Some)
            .map_err(|_| JournalError::Invalid { key, value })
    }

    fn word<T: serde::de::DeserializeOwned>(
        &mut self,
        key: &'static str,
    ) -> Result<T, JournalError> {
        let value = self.text(key)?;
        serde_json::from_value(Value::from(value.as_str()))
            .map_err(|_| JournalError::Invalid { key, value })
    }

    fn failure(&mut self) -> Result<Option<Failure>, JournalError> {
        let Some(value) = self.data.remove("failure") else {
            return Ok(None);
        };
        serde_json::from_str(&value)
            .map(Some)
            .map_err(|_| JournalError::Invalid {
                key: "failure",
                value,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;

    fn any_time() -> impl Strategy<Value = Timestamp> {
        (0i64..4_000_000_000_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
    }

    fn any_failure() -> impl Strategy<Value = Failure> {
        (
            option::of(".*"),
            option::of(".*"),
            option::of(".*"),
            ".*",
            ".*",
        )
            .prop_map(|(play, task, host, cause, advice)| Failure {
                play,
                task,
                host,
                cause,
                advice,
                code: "SLW-310".into(),
            })
    }

    prop_compose! {
        fn any_record()(
            texts in proptest::array::uniform8(".*"),
            size in prop_oneof![Just(Size::Dev), Just(Size::Ha)],
            outcome in prop_oneof![Just(Progress::Running), Just(Progress::Ok), Just(Progress::Failed)],
            numbers in (option::of(any::<u64>()), option::of(any::<u64>()), option::of(any::<u64>()), option::of(any::<u64>())),
            times in (any_time(), option::of(any_time())),
            run in any::<u128>(),
            failure in option::of(any_failure()),
        ) -> JournalRecord {
            let [digest, playbook_digest, values_digest, inputs_digest, version, chart, chart_version, app_version] = texts;
            let (secrets_version, changed, duration_ms, typical_ms) = numbers;
            JournalRecord {
                digest, playbook_digest, values_digest, inputs_digest, version, size, secrets_version, chart,
                chart_version, app_version, outcome, changed, duration_ms, typical_ms, started_at: times.0, finished_at: times.1,
                run: Uuid::from_u128(run), failure,
            }
        }
    }

    proptest! {
        #[test]
        fn a_record_comes_back_from_the_cluster_as_it_went(record in any_record()) {
            prop_assert_eq!(JournalRecord::from_data(&record.to_data()), Ok(record));
        }

        #[test]
        fn a_record_without_one_of_its_keys_is_refused_or_lost_an_optional_one(record in any_record(), pick: prop::sample::Index) {
            let mut data = record.to_data();
            let key = data.keys().nth(pick.index(data.len())).unwrap().clone();
            data.remove(&key);
            let optional = ["secrets_version", "changed", "duration_ms", "typical_ms", "finished_at", "failure"];
            prop_assert_eq!(JournalRecord::from_data(&data).is_ok(), optional.contains(&key.as_str()), "{}", key);
        }

        #[test]
        fn a_record_with_a_strange_key_is_refused(record in any_record()) {
            let mut data = record.to_data();
            data.insert("colour".into(), "red".into());
            prop_assert_eq!(JournalRecord::from_data(&data), Err(JournalError::Unknown(vec!["colour".into()])));
        }
    }

    #[test]
    fn odd_values_are_refused_with_their_key() {
        let record = JournalRecord::from_data(&BTreeMap::new());
        assert_eq!(record, Err(JournalError::Missing("digest")));
        let good = {
            let mut runner = proptest::test_runner::TestRunner::deterministic();
            any_record()
                .new_tree(&mut runner)
                .unwrap()
                .current()
                .to_data()
        };
        for key in [
            "size",
            "outcome",
            "started_at",
            "run",
            "secrets_version",
            "changed",
            "failure",
        ] {
            let mut data = good.clone();
            data.insert(key.into(), "odd".into());
            let expected = JournalError::Invalid {
                key,
                value: "odd".into(),
            };
            assert_eq!(JournalRecord::from_data(&data), Err(expected), "{key}");
        }
    }
}
