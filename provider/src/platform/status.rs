//! What the state says about the components of a platform, and which of them have to run.

use std::collections::BTreeMap;

use run_report::{Catalog, JournalRecord, Reason, Wanted};
use tfplugin::value::{FromValue, IntoValue};
use tfplugin::{AttributePath, Object, Private, Value, ValueError};

/// Where the private data holds the journal as the last refresh saw it: the parts of a digest tell why a component has
/// to run, and both plans of an apply must say the same.
const JOURNAL: &str = "journal";

/// What the state says about an installed component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) chart: String,
    pub(crate) version: String,
    pub(crate) app_version: String,
    /// The program behind the component, for one that has a choice.
    pub(crate) backend: Option<String>,
    pub(crate) digest: String,
    pub(crate) outcome: String,
    /// Why its playbook runs, or ran last; nothing for one that was taken over.
    pub(crate) reason: Option<String>,
}

/// Statuses by component.
pub(crate) type Statuses = BTreeMap<String, Status>;

/// The components that have to run, and why.
pub(crate) type Due = BTreeMap<String, Reason>;

impl Status {
    /// What a good run of the wanted component will leave.
    fn planned(wanted: &Wanted, catalog: &Catalog, reason: Reason) -> Option<Self> {
        let component = catalog.get(&wanted.name)?;
        Some(Self {
            chart: component.chart.name.clone(),
            version: wanted.version.clone(),
            app_version: component.chart.app_version.clone(),
            backend: component.backend(&wanted.values).map(str::to_owned),
            digest: wanted.digests.digest.clone(),
            outcome: "ok".to_owned(),
            reason: Some(spell(reason).to_owned()),
        })
    }

    /// What a record says, with what only the state knows.
    fn recorded(record: &JournalRecord, stored: Option<&Self>) -> Self {
        Self {
            chart: record.chart.clone(),
            version: record.version.clone(),
            app_version: record.app_version.clone(),
            backend: stored.and_then(|stored| stored.backend.clone()),
            digest: record.digest.clone(),
            outcome: record.outcome.as_str().to_owned(),
            reason: stored.and_then(|stored| stored.reason.clone()),
        }
    }

    fn is_of(&self, record: &JournalRecord) -> bool {
        self.digest == record.digest && self.outcome == record.outcome.as_str()
    }
}

impl FromValue for Status {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        let object = Object::from_value(value, path)?;
        Ok(Self {
            chart: object.get("chart")?,
            version: object.get("version")?,
            app_version: object.get("app_version")?,
            backend: object.get("backend")?,
            digest: object.get("digest")?,
            outcome: object.get("outcome")?,
            reason: object.get("reason")?,
        })
    }
}

impl IntoValue for Status {
    fn into_value(self) -> Value {
        Object::new()
            .with("chart", self.chart)
            .with("version", self.version)
            .with("app_version", self.app_version)
            .with("backend", self.backend)
            .with("digest", self.digest)
            .with("outcome", self.outcome)
            .with("reason", self.reason)
            .into_value()
    }
}

/// What the state will say when everything that is due has run. What is not due stays as it stands.
pub(crate) fn planned(
    catalog: &Catalog,
    wanted: &BTreeMap<String, Wanted>,
    due: &Due,
    stored: &Statuses,
) -> Statuses {
    wanted
        .iter()
        .filter_map(|(name, wanted)| {
            let status = match due.get(name) {
                Some(reason) => Status::planned(wanted, catalog, *reason)?,
                None => stored.get(name)?.clone(),
            };
            Some((name.clone(), status))
        })
        .collect()
}

/// What the journal says about the components that are looked for; about all of them where nothing is looked for.
pub(crate) fn recorded(
    records: &BTreeMap<String, JournalRecord>,
    looked_for: Option<&Statuses>,
    stored: &Statuses,
) -> Statuses {
    records
        .iter()
        .filter(|(name, _)| looked_for.is_none_or(|known| known.contains_key(*name)))
        .map(|(name, record)| (name.clone(), Status::recorded(record, stored.get(name))))
        .collect()
}

/// Keeps of what the journal says what is wanted, with the backend that the wanted values name.
pub(crate) fn keep_wanted(
    catalog: &Catalog,
    wanted: &BTreeMap<String, Wanted>,
    statuses: &mut Statuses,
) {
    statuses.retain(|name, _| wanted.contains_key(name));
    for (name, status) in statuses {
        let component = catalog.get(name).zip(wanted.get(name));
        status.backend = component
            .and_then(|(component, wanted)| component.backend(&wanted.values))
            .map(str::to_owned);
    }
}

/// The same for a state that is being written: what only that state knows stays in it.
pub(crate) fn write(mut statuses: Statuses, state: &mut Object) {
    let stored: Option<Statuses> = state.get("component_status").unwrap_or_default();
    let stored = stored.unwrap_or_default();
    for (name, status) in &mut statuses {
        if let Some(stored) = stored.get(name) {
            status.backend = status.backend.take().or_else(|| stored.backend.clone());
            status.reason = status.reason.take().or_else(|| stored.reason.clone());
        }
    }
    state.set("component_status", statuses);
}

/// The components whose records do not say what is wanted.
pub(crate) fn due(
    wanted: &BTreeMap<String, Wanted>,
    records: &BTreeMap<String, JournalRecord>,
) -> Due {
    of_each(wanted, |name, wanted| {
        Reason::to_run(wanted, records.get(name))
    })
}

/// The same from what the last refresh left: the journal where it says what the state says, else the state alone.
pub(crate) fn due_by_state(
    wanted: &BTreeMap<String, Wanted>,
    stored: &Statuses,
    private: &Private,
) -> Due {
    let records = kept_journal(private);
    of_each(wanted, |name, wanted| {
        let status = stored.get(name);
        let record = records.get(name);
        match record.filter(|record| status.is_some_and(|status| status.is_of(record))) {
            Some(record) => Reason::to_run(wanted, Some(record)),
            None => to_run(wanted, status),
        }
    })
}

/// Everything that is wanted, for a platform that has nothing yet.
pub(crate) fn all_new(wanted: &BTreeMap<String, Wanted>) -> Due {
    of_each(wanted, |_, _| Some(Reason::New))
}

fn of_each(
    wanted: &BTreeMap<String, Wanted>,
    reason: impl Fn(&str, &Wanted) -> Option<Reason>,
) -> Due {
    wanted
        .iter()
        .filter_map(|(name, wanted)| Some((name.clone(), reason(name, wanted)?)))
        .collect()
}

fn to_run(wanted: &Wanted, status: Option<&Status>) -> Option<Reason> {
    match status {
        None => Some(Reason::New),
        Some(status) if status.outcome != "ok" => Some(Reason::FailedBefore),
        Some(status) if status.digest == wanted.digests.digest => None,
        Some(status) if status.version != wanted.version => Some(Reason::Version),
        Some(_) => Some(Reason::Values),
    }
}

/// Keeps the journal with the object.
pub(crate) fn keep_journal(records: &BTreeMap<String, JournalRecord>, private: &mut Private) {
    let data: BTreeMap<&str, BTreeMap<String, String>> = records
        .iter()
        .map(|(name, record)| (name.as_str(), record.to_data()))
        .collect();
    // Maps of texts always have a JSON form.
    let _ = private.set(JOURNAL, &data);
}

/// The journal that is kept; a record of another release's shape counts as none.
fn kept_journal(private: &Private) -> BTreeMap<String, JournalRecord> {
    let data: BTreeMap<String, BTreeMap<String, String>> = private.get(JOURNAL).unwrap_or_default();
    data.into_iter()
        .filter_map(|(name, data)| Some((name, JournalRecord::from_data(&data).ok()?)))
        .collect()
}

/// A reason in the words of a plan.
pub(crate) fn spell(reason: Reason) -> &'static str {
    match reason {
        Reason::New => "new",
        Reason::Values => "values changed",
        Reason::Version => "version changed",
        Reason::Size => "size changed",
        Reason::Playbook => "playbook changed",
        Reason::Inputs => "something it uses changed",
        Reason::Secrets => "secrets changed",
        Reason::FailedBefore => "its last run did not end well",
        Reason::Drift => "drifted in the cluster",
        Reason::Forced => "forced",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use run_report::{ComponentRequest, Size};
    use uuid::Uuid;

    fn wanted(size: Size) -> BTreeMap<String, Wanted> {
        let request = ComponentRequest {
            name: "minio".to_owned(),
            enabled: true,
            version: None,
            size,
            values: Some("slipway: {backend: minio}".to_owned()),
        };
        catalog().wanted(&[request], 0).unwrap()
    }

    fn catalog() -> Catalog {
        Catalog::embedded().unwrap()
    }

    /// The journal after a good run of what is wanted.
    fn records(wanted: &BTreeMap<String, Wanted>) -> BTreeMap<String, JournalRecord> {
        let (now, catalog) = (Timestamp::UNIX_EPOCH, catalog());
        let record = |one: &Wanted| {
            let component = catalog.get(&one.name).unwrap();
            JournalRecord::running(one, component, Uuid::nil(), None, now).finished(None, 1, now)
        };
        wanted
            .iter()
            .map(|(name, one)| (name.clone(), record(one)))
            .collect()
    }

    #[test]
    fn a_new_component_is_planned_with_its_backend_and_its_reason() {
        let wanted = wanted(Size::Dev);
        let planned = planned(&catalog(), &wanted, &all_new(&wanted), &Statuses::new());
        let status = &planned["minio"];
        assert_eq!(status.backend.as_deref(), Some("minio"));
        assert_eq!(status.reason.as_deref(), Some("new"));
        assert_eq!(status.outcome, "ok");
    }

    #[test]
    fn a_refresh_changes_nothing_that_a_plan_wrote() {
        let wanted = wanted(Size::Dev);
        let written = planned(&catalog(), &wanted, &all_new(&wanted), &Statuses::new());
        let seen = recorded(&records(&wanted), Some(&written), &written);
        assert_eq!(seen, written);
        let due = due_by_state(&wanted, &seen, &Private::default());
        assert!(due.is_empty());
        assert_eq!(planned(&catalog(), &wanted, &due, &seen), written);
    }

    #[test]
    fn a_state_that_is_being_written_keeps_what_the_journal_does_not_know() {
        let wanted = wanted(Size::Dev);
        let written = planned(&catalog(), &wanted, &all_new(&wanted), &Statuses::new());
        let mut state = Object::new().with("component_status", written.clone());
        write(
            recorded(&records(&wanted), None, &Statuses::new()),
            &mut state,
        );
        assert_eq!(state.get::<Statuses>("component_status").unwrap(), written);
        let mut fresh = Object::new();
        fresh.set_unknown("component_status");
        write(written.clone(), &mut fresh);
        assert_eq!(fresh.get::<Statuses>("component_status").unwrap(), written);
    }

    #[test]
    fn the_kept_journal_tells_the_reason_exactly_while_it_is_the_state_s() {
        let (before, after) = (wanted(Size::Dev), wanted(Size::Ha));
        let mut private = Private::default();
        keep_journal(&records(&before), &mut private);
        let mut stored = recorded(&records(&before), None, &Statuses::new());
        let reason = |stored: &Statuses| due_by_state(&after, stored, &private)["minio"];
        assert_eq!(reason(&stored), Reason::Size);
        stored.get_mut("minio").unwrap().digest = "of a later run".to_owned();
        assert_eq!(reason(&stored), Reason::Values);
    }
}
