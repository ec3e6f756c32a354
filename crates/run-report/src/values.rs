//! A component's values: YAML text from the user, one tree for everybody after that.

use serde_json::{Map, Value};

/// The values of one component. Ansible and Helm get this tree, never the text, so this parse is the only one.
pub type Values = Map<String, Value>;

/// Why values cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    /// The text is not YAML.
    #[error("the values are not YAML: {why}")]
    NotYaml {
        /// The parser's words, with the place.
        why: String,
    },
    /// The document is a list or a single value.
    #[error("the values must be a mapping of keys to values, not {found}")]
    NotAMapping {
        /// What stands at the top.
        found: &'static str,
    },
}

/// Reads values; no text, an empty text and `null` are no values.
pub fn parse(yaml: Option<&str>) -> Result<Values, ValuesError> {
    let Some(yaml) = yaml.filter(|text| !text.trim().is_empty()) else {
        return Ok(Values::new());
    };
    let options = serde_saphyr::options! { with_snippet: false };
    let value: Value = serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
        ValuesError::NotYaml {
            why: error.to_string(),
        }
    })?;
    let found = match value {
        Value::Null => return Ok(Values::new()),
        Value::Object(values) => return Ok(values),
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        Value::Bool(_) | Value::Number(_) => "a single value",
    };
    Err(ValuesError::NotAMapping { found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_is_no_values() {
        for nothing in [
            None,
            Some(""),
            Some("  \n"),
            Some("null"),
            Some("# only a comment\n"),
            Some("{}"),
        ] {
            assert_eq!(parse(nothing), Ok(Values::new()), "{nothing:?}");
        }
    }

    #[test]
    fn a_mapping_becomes_a_tree() {
        let yaml = "replicas: 2\nimage: {tag: \"3.9\"}\nbase: &b [1, 1.5, true]\nagain: *b\n";
        let expected = json!({"replicas": 2, "image": {"tag": "3.9"}, "base": [1, 1.5, true], "again": [1, 1.5, true]});
        assert_eq!(Value::Object(parse(Some(yaml)).unwrap()), expected);
    }

    #[test]
    fn what_is_not_a_mapping_is_refused_with_its_name() {
        assert_eq!(
            parse(Some("- a\n")),
            Err(ValuesError::NotAMapping { found: "a list" })
        );
        assert_eq!(
            parse(Some("hello")),
            Err(ValuesError::NotAMapping { found: "a text" })
        );
        assert_eq!(
            parse(Some("12")),
            Err(ValuesError::NotAMapping {
                found: "a single value"
            })
        );
    }

    #[test]
    fn what_is_not_yaml_is_refused_with_the_place() {
        for yaml in ["a: [1, 2", "a: 1\na: 2\n", "a: 1\n b: 2\n"] {
            let error = parse(Some(yaml)).unwrap_err();
            assert!(
                matches!(error, ValuesError::NotYaml { .. }),
                "{yaml}: {error}"
            );
            assert!(error.to_string().contains("line"), "{error}");
        }
    }
}
