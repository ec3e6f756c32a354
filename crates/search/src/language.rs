//! The language of `q`: words, `field:value`, `-` for not, quotation marks around what has spaces.

use crate::error::QueryError;
use crate::pattern::Pattern;
use crate::query::{Field, Moment, Term, Test};
use jiff::{SignedDuration, Timestamp};

const LONGEST: usize = 1000;
const MOST_TERMS: usize = 20;
const FIELDS: [&str; 12] = [
    "created", "expires", "name", "origin", "owner", "phase", "pool", "reason", "region",
    "service", "type", "version",
];

/// A piece of the text: `-` in front, a field, and a value that stood in quotation marks or not.
struct Token {
    negated: bool,
    field: Option<String>,
    value: String,
}

pub(crate) fn terms(text: &str, now: Timestamp) -> Result<Vec<Term>, QueryError> {
    if text.len() > LONGEST {
        return Err(QueryError::TooLong {
            what: format!("{} characters and may have {LONGEST}", text.len()),
        });
    }
    let tokens = tokens(text)?;
    if tokens.len() > MOST_TERMS {
        return Err(QueryError::TooLong {
            what: format!("{} conditions and may have {MOST_TERMS}", tokens.len()),
        });
    }
    tokens
        .into_iter()
        .map(|token| {
            Ok(Term {
                negated: token.negated,
                test: test(token.field.as_deref(), &token.value, now)?,
            })
        })
        .collect()
}

fn test(field: Option<&str>, value: &str, now: Timestamp) -> Result<Test, QueryError> {
    let Some(field) = field else {
        return Ok(Test::Word(Pattern::part(value)));
    };
    let whole = |field: Field| Ok(Test::Field(field, Pattern::whole(value)));
    match field.to_ascii_lowercase().as_str() {
        "name" => whole(Field::Name),
        "owner" => whole(Field::Owner),
        "pool" => whole(Field::Pool),
        // A claim may say `stage`, and becomes one of `staging`.
        "type" if value.eq_ignore_ascii_case("stage") => {
            Ok(Test::Field(Field::Type, Pattern::whole("staging")))
        }
        "type" => whole(Field::Type),
        "phase" => whole(Field::Phase),
        "region" => whole(Field::Region),
        "origin" => whole(Field::Origin),
        "version" => whole(Field::Version),
        "reason" => Ok(Test::Field(Field::Reason, Pattern::part(value))),
        "service" => {
            let (name, version) = match value.split_once('@') {
                Some((name, version)) => (name, Some(Pattern::whole(version))),
                None => (value, None),
            };
            Ok(Test::Service {
                name: Pattern::whole(name),
                version,
            })
        }
        // Created within the last hours: later than they began. Expires within the next: before they end.
        "created" => moment("created", value, |span| {
            (now - span, Moment::Created, false)
        }),
        "expires" => moment("expires", value, |span| (now + span, Moment::Expires, true)),
        _ => Err(QueryError::Field {
            near: near(field),
            field: field.to_owned(),
            fields: FIELDS.join(", "),
        }),
    }
}

/// `<24h` is within the span, `>24h` is beyond it. `within` gives the moment, the field, and whether within is before.
fn moment(
    field: &'static str,
    value: &str,
    within: impl Fn(SignedDuration) -> (Timestamp, Moment, bool),
) -> Result<Test, QueryError> {
    let refuse = || QueryError::Value {
        field,
        value: value.to_owned(),
        why: "write < or > and a span of minutes, hours or days, such as <24h or >7d",
    };
    let (inside, span) = match value.split_at_checked(1) {
        Some(("<", span)) => (true, span),
        Some((">", span)) => (false, span),
        _ => return Err(refuse()),
    };
    let (number, seconds) = [("m", 60), ("h", 3600), ("d", 86_400)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((span.strip_suffix(unit)?, seconds)))
        .ok_or_else(refuse)?;
    let number: u16 = number.parse().map_err(|_| refuse())?;
    let (than, of, within_is_before) =
        within(SignedDuration::from_secs(i64::from(number) * seconds));
    Ok(Test::Moment {
        of,
        before: inside == within_is_before,
        than,
    })
}

fn near(field: &str) -> String {
    FIELDS
        .iter()
        .find(|known| known.starts_with(field) || field.starts_with(*known))
        .map(|known| format!(" (did you mean `{known}`?)"))
        .unwrap_or_default()
}

fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (negated, after_sign) = match rest.strip_prefix('-') {
            Some(after) if !after.is_empty() && !after.starts_with(char::is_whitespace) => {
                (true, after)
            }
            _ => (false, rest),
        };
        let (field, after_field) = field_of(after_sign);
        let (value, after) = value_of(after_field)?;
        // `pool:` with nothing behind it, and two quotation marks in a row, ask for nothing.
        if !value.is_empty() {
            tokens.push(Token {
                negated,
                field: field.map(str::to_owned),
                value: value.to_owned(),
            });
        }
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// The letters before a colon, if the piece starts so.
fn field_of(text: &str) -> (Option<&str>, &str) {
    let letters = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    match text.split_at(letters) {
        (field, rest) if !field.is_empty() && rest.starts_with(':') => (Some(field), &rest[1..]),
        _ => (None, text),
    }
}

fn value_of(text: &str) -> Result<(&str, &str), QueryError> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').ok_or_else(|| QueryError::Quotation {
            start: text.chars().take(20).collect(),
        });
    }
    Ok(text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-05-01T12:00:00Z".parse().unwrap()
    }

    fn tests_of(text: &str) -> Vec<Term> {
        terms(text, now()).unwrap()
    }

    #[test]
    fn words_fields_and_negation_are_told_apart() {
        let read = tests_of("gateway  -pool:team1 reason:\"no stock\" \"sha256:ab\" - ");
        let term = |negated, test| Term { negated, test };
        assert_eq!(
            read,
            [
                term(false, Test::Word(Pattern::part("gateway"))),
                term(true, Test::Field(Field::Pool, Pattern::whole("team1"))),
                term(false, Test::Field(Field::Reason, Pattern::part("no stock"))),
                term(false, Test::Word(Pattern::part("sha256:ab"))),
                term(false, Test::Word(Pattern::part("-"))),
            ]
        );
        assert_eq!(tests_of("  "), []);
        assert_eq!(tests_of("pool: \"\""), []);
    }

    #[test]
    fn spans_count_from_now() {
        let moment = |of, before, than: &str| {
            vec![Term {
                negated: false,
                test: Test::Moment {
                    of,
                    before,
                    than: than.parse().unwrap(),
                },
            }]
        };
        let tomorrow = "2026-05-02T12:00:00Z";
        let yesterday = "2026-04-30T12:00:00Z";
        assert_eq!(
            tests_of("expires:<24h"),
            moment(Moment::Expires, true, tomorrow)
        );
        assert_eq!(
            tests_of("expires:>1d"),
            moment(Moment::Expires, false, tomorrow)
        );
        assert_eq!(
            tests_of("created:<1440m"),
            moment(Moment::Created, false, yesterday)
        );
        assert_eq!(
            tests_of("created:>1d"),
            moment(Moment::Created, true, yesterday)
        );
        for odd in [
            "expires:soon",
            "expires:<",
            "expires:<h",
            "created:<-1h",
            "created:<1w",
            "expires:<99999d",
            "expires:é",
        ] {
            assert!(
                matches!(terms(odd, now()), Err(QueryError::Value { .. })),
                "{odd}"
            );
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_could() {
        let refused = terms("services:x", now()).unwrap_err().to_string();
        assert!(refused.contains("did you mean `service`?"), "{refused}");
        assert!(matches!(
            terms("a \"b", now()),
            Err(QueryError::Quotation { .. })
        ));
        assert!(matches!(
            terms(&"a ".repeat(21), now()),
            Err(QueryError::TooLong { .. })
        ));
        assert!(matches!(
            terms(&"a".repeat(1001), now()),
            Err(QueryError::TooLong { .. })
        ));
    }
}
