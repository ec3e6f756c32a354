//! Durations as people write them: `45m`, `1h30m`.

use std::time::Duration;

/// Reads a duration of at least one second; the error says what is wrong.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration such as \"45m\" or \"1h30m\"");
    let duration: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from(duration).map_err(|_| wrong())?;
    if duration < Duration::from_secs(1) {
        return Err(wrong());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_add_up() {
        assert_eq!(parse("45m"), Ok(Duration::from_mins(45)));
        assert_eq!(parse("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in ["", "soon", "-5m", "0s", "5"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
