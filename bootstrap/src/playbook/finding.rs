//! What a role has found out about its own failure.

use run_report::TaskStatus;

/// What a role says when it knows why: `SLW-370: cause. What to do: advice.`, its code and its advice where it has some.
pub(super) struct Finding<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) cause: &'a str,
    pub(super) advice: Option<&'a str>,
}

const WHAT_TO_DO: &str = "What to do: ";

impl<'a> Finding<'a> {
    /// Reads it; what is not in that form is all cause.
    pub(super) fn read(said: &'a str) -> Self {
        let coded = said.split_once(": ").filter(|(code, _)| {
            let number = code.strip_prefix("SLW-").unwrap_or_default();
            number.len() == 3 && number.chars().all(|digit| digit.is_ascii_digit())
        });
        let (code, rest) = coded.map_or((None, said), |(code, rest)| (Some(code), rest));
        let (cause, advice) = match rest.split_once(WHAT_TO_DO) {
            Some((cause, advice)) => (cause.trim_end(), Some(advice.trim())),
            None => (rest, None),
        };
        Self {
            code,
            cause,
            advice,
        }
    }
}

/// What to do: what the role has found out, else what fits the status of its task.
pub(super) fn advice(status: TaskStatus, found: Option<&str>, path: Option<&str>) -> String {
    let place = path
        .and_then(|path| {
            path.rsplit_once("/bundle-")
                .and_then(|(_, rest)| rest.split_once('/'))
        })
        .map(|(_, inside)| format!(" (task at {inside})"))
        .unwrap_or_default();
    if let Some(found) = found {
        let mut words = found.trim_end_matches('.').chars();
        let first = words.next().map(|letter| letter.to_uppercase().to_string());
        return format!(
            "{}{}; then apply again: it goes on from this component{place}.",
            first.unwrap_or_default(),
            words.as_str()
        );
    }
    if status == TaskStatus::Unreachable {
        return format!("Check that the host of the play can be reached{place}; then apply again.");
    }
    format!("Mend the cause and apply again: it goes on from this component{place}.")
}
