//! Logs in the form that core reads: one JSON object a line on stderr.

use std::backtrace::Backtrace;
use std::fmt;
use std::io::{self, Write};
use std::panic::PanicHookInfo;

use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::Options;

/// Sends this process's traces and panics to core. A subscriber that was set before stays.
pub(super) fn install(options: &Options) {
    let level = level_from_environment(options.provider_type(), |name| std::env::var(name).ok());
    let own = options
        .log_targets
        .iter()
        .map(|target| (target.replace('-', "_"), level));
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(own);
    let installed = tracing_subscriber::registry()
        .with(HclogLayer.with_filter(filter))
        .try_init();
    if installed.is_ok() {
        std::panic::set_hook(Box::new(report_panic));
    }
}

/// A caught panic becomes a diagnostic; the log has where it happened.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let backtrace = Backtrace::force_capture().to_string();
    let message = panic.payload_as_str().unwrap_or("no message");
    tracing::error!(location, backtrace, "the provider panicked: {message}");
}

/// The level that the user asks for: of this provider, of all providers, of everything. Core throws away what is below its
/// own, but need not be sent it.
fn level_from_environment(
    provider_type: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> LevelFilter {
    let own = format!(
        "TF_LOG_PROVIDER_{}",
        provider_type.to_uppercase().replace('-', "_")
    );
    let asked = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"];
    let asked = asked
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    match asked.unwrap_or_default().to_uppercase().as_str() {
        "TRACE" | "JSON" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "ERROR" => LevelFilter::ERROR,
        "OFF" => LevelFilter::OFF,
        _ => LevelFilter::WARN,
    }
}

/// Writes events as hclog lines to stderr.
#[derive(Clone, Copy, Debug, Default)]
pub struct HclogLayer;

impl<S: Subscriber> Layer<S> for HclogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = hclog_line(event, Timestamp::now());
        line.push('\n');
        // One write per line keeps lines of several threads apart. Nobody can be told that stderr is gone.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

fn hclog_line(event: &Event<'_>, now: Timestamp) -> String {
    let metadata = event.metadata();
    let mut fields = Fields::default();
    event.record(&mut fields);
    let mut entry = fields.others;
    // Core panics if one of these is not a string, and misreads other fractions than six digits.
    entry.insert("@message".to_owned(), fields.message.into());
    entry.insert("@level".to_owned(), level_name(metadata).into());
    entry.insert("@module".to_owned(), metadata.target().into());
    entry.insert("@timestamp".to_owned(), format!("{now:.6}").into());
    Json::Object(entry).to_string()
}

fn level_name(metadata: &Metadata<'_>) -> &'static str {
    match *metadata.level() {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Json>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Json>) {
        let value = value.into();
        if field.name() == "message" {
            self.message = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
        } else {
            // Names with @ are core's.
            self.others
                .insert(field.name().trim_start_matches('@').to_owned(), value);
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Captured(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Captured {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let now = Timestamp::from_nanosecond(1_767_225_600_120_000_999).unwrap();
            self.0.lock().unwrap().push(hclog_line(event, now));
        }
    }

    fn logged(log: impl FnOnce()) -> Json {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Captured(Arc::clone(&lines)));
        tracing::subscriber::with_default(subscriber, log);
        let lines = lines.lock().unwrap();
        serde_json::from_str(&lines[0]).unwrap()
    }

    #[test]
    fn w15_core_fields_are_strings() {
        let entry =
            logged(|| tracing::info!(message = 5, attempt = 3, name = "acme", "@level" = 1));
        assert_eq!(entry["@message"], "5");
        assert_eq!(entry["@level"], "info");
        assert_eq!(entry["level"], 1);
        assert_eq!(entry["attempt"], 3);
        assert_eq!(entry["name"], "acme");
    }

    #[test]
    fn w16_timestamps_have_six_fraction_digits() {
        let entry = logged(|| tracing::warn!("careful\nwith \"quotes\""));
        assert_eq!(entry["@timestamp"], "2026-01-01T00:00:00.120000Z");
        assert_eq!(entry["@message"], "careful\nwith \"quotes\"");
    }

    #[test]
    fn the_nearest_variable_decides() {
        let level = |pairs: &[(&str, &str)]| {
            level_from_environment("acme-cloud", |name| {
                let found = pairs.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(level(&[]), LevelFilter::WARN);
        assert_eq!(level(&[("TF_LOG", "JSON")]), LevelFilter::TRACE);
        assert_eq!(
            level(&[("TF_LOG", "trace"), ("TF_LOG_PROVIDER", "info")]),
            LevelFilter::INFO
        );
        let own = [("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER_ACME_CLOUD", "OFF")];
        assert_eq!(level(&own), LevelFilter::OFF);
    }
}
