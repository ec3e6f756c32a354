//! Reading answers: strict about what must be there, lenient about how nothing is spelled.
//!
//! The API is written in PHP, where an empty map, object or string may arrive as `[]` or `null`. A field that is
//! missing altogether is another matter: the answer is then not what it should be, and nothing may be concluded from it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An object of the API that comes wrapped in a key of its own.
pub(crate) trait Wrapped: DeserializeOwned {
    /// Key of one object.
    const ONE: &'static str;
    /// Key of a list of them.
    const MANY: &'static str;
}

/// Implements [`Wrapped`] and [`crate::Identified`] for an object with an `id`.
macro_rules! wrapped {
    ($type:ty, $one:literal, $many:literal) => {
        impl crate::decode::Wrapped for $type {
            const ONE: &'static str = $one;
            const MANY: &'static str = $many;
        }

        impl crate::Identified for $type {
            fn id(&self) -> &str {
                &self.id
            }
        }
    };
}

pub(crate) use wrapped;

/// Why an answer could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DecodeFailure {
    /// Path of the field.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) reason: String,
    /// Whether the body ended too early, as a cut connection leaves it.
    pub(crate) cut: bool,
}

/// Reads a whole body.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeFailure> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| DecodeFailure {
        field: error.path().to_string(),
        cut: error.inner().is_eof(),
        reason: error.into_inner().to_string(),
    })?;
    reader.end().map_err(|error| DecodeFailure {
        field: ".".into(),
        cut: false,
        reason: error.to_string(),
    })?;
    Ok(value)
}

/// One object inside its key.
pub(crate) struct One<T>(pub(crate) T);

/// A list without paging: labels, taints.
pub(crate) struct Unpaged<T>(pub(crate) Vec<T>);

/// One page of a list.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) meta: Meta,
}

/// What a page says about the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Meta {
    pub(crate) total: usize,
    pub(crate) links: Links,
}

/// Cursors of the neighbouring pages; empty when there is none.
#[derive(Debug, Deserialize)]
pub(crate) struct Links {
    #[serde(deserialize_with = "text")]
    pub(crate) next: String,
}

impl<'de, T: Wrapped> Deserialize<'de> for One<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = deserializer.deserialize_map(Fields::<T, IgnoredAny>::of(T::ONE))?;
        fields
            .0
            .map(Self)
            .ok_or_else(|| D::Error::missing_field(T::ONE))
    }
}

impl<'de, T: Wrapped> Deserialize<'de> for Unpaged<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = deserializer.deserialize_map(Fields::<Many<T>, IgnoredAny>::of(T::MANY))?;
        let items = fields.0.ok_or_else(|| D::Error::missing_field(T::MANY))?;
        Ok(Self(items.0))
    }
}

impl<'de, T: Wrapped> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = deserializer.deserialize_map(Fields::<Many<T>, Meta>::of(T::MANY))?;
        Ok(Self {
            items: fields.0.ok_or_else(|| D::Error::missing_field(T::MANY))?.0,
            meta: fields.1.ok_or_else(|| D::Error::missing_field("meta"))?,
        })
    }
}

/// A list that may be spelled `null`.
struct Many<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(deserializer).map(Self)
    }
}

/// Picks the value under `key` and the one under `meta` out of an answer.
struct Fields<V, M> {
    key: &'static str,
    kinds: PhantomData<(V, M)>,
}

impl<V, M> Fields<V, M> {
    fn of(key: &'static str) -> Self {
        Self {
            key,
            kinds: PhantomData,
        }
    }
}

impl<'de, V: Deserialize<'de>, M: Deserialize<'de>> Visitor<'de> for Fields<V, M> {
    type Value = (Option<V>, Option<M>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut value, mut meta) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            if key == self.key {
                value = Some(map.next_value()?);
            } else if key == "meta" {
                meta = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok((value, meta))
    }
}

/// A list; `null` is the empty one.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A map; `null` and `[]` are the empty one.
pub(crate) fn map<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    deserializer.deserialize_any(EmptyOr::<BTreeMap<String, T>>(PhantomData))
}

/// An object that may be absent, spelled `null` or `[]`.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(EmptyOr::<Option<T>>(PhantomData))
}

/// A text; `null` and `[]` are the empty one.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_any(EmptyOr::<String>(PhantomData))
}

/// A moment; an empty text and `null` are none.
pub(crate) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    match text(deserializer)?.as_str() {
        "" => Ok(None),
        moment => moment.parse().map(Some).map_err(D::Error::custom),
    }
}

/// A secret; an empty text is none. The error never repeats what was read.
pub(crate) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    let text = text(deserializer).map_err(|_| D::Error::custom("expected a text (a secret)"))?;
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}

struct EmptyOr<T>(PhantomData<T>);

macro_rules! empties {
    () => {
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            match seq.next_element::<IgnoredAny>()? {
                None => Ok(Default::default()),
                Some(_) => Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self)),
            }
        }
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for EmptyOr<BTreeMap<String, T>> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        BTreeMap::deserialize(serde::de::value::MapAccessDeserializer::new(map))
    }

    empties!();
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for EmptyOr<Option<T>> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Some)
    }

    empties!();
}

impl<'de> Visitor<'de> for EmptyOr<String> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.to_owned())
    }

    empties!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Thing {
        id: String,
        #[serde(deserialize_with = "map")]
        labels: BTreeMap<String, String>,
        #[serde(deserialize_with = "text")]
        note: String,
        #[serde(default, deserialize_with = "object")]
        part: Option<Part>,
        #[serde(default, deserialize_with = "moment")]
        born: Option<Timestamp>,
        #[serde(default, deserialize_with = "secret")]
        password: Option<SecretString>,
    }

    #[derive(Debug, Deserialize)]
    struct Part {
        name: String,
    }

    wrapped!(Thing, "thing", "things");

    fn failure<T: DeserializeOwned>(body: &str) -> DecodeFailure {
        match read::<T>(body.as_bytes()) {
            Err(failure) => failure,
            Ok(_) => panic!("{body} was read"),
        }
    }

    #[test]
    fn php_spells_nothing_in_three_ways() {
        for nothing in ["[]", "null"] {
            let body = format!(
                r#"{{"thing":{{"id":"1","labels":{nothing},"note":{nothing},"part":{nothing},"password":{nothing}}}}}"#
            );
            let One(thing) = read::<One<Thing>>(body.as_bytes()).unwrap();
            assert!(thing.labels.is_empty() && thing.note.is_empty());
            assert!(thing.part.is_none() && thing.password.is_none() && thing.born.is_none());
        }
        let full = r#"{"other":[1],"thing":{"id":"1","labels":{"a":"b"},"note":"n","part":{"name":"p"},"born":"2026-03-01T10:00:00-04:00"}}"#;
        let One(thing) = read::<One<Thing>>(full.as_bytes()).unwrap();
        assert_eq!(thing.id, "1");
        assert_eq!(thing.labels["a"], "b");
        assert_eq!(thing.part.unwrap().name, "p");
        assert_eq!(thing.born.unwrap().to_string(), "2026-03-01T14:00:00Z");
    }

    #[test]
    fn a_missing_field_is_named_with_its_path() {
        let missing = failure::<Page<Thing>>(
            r#"{"things":[{"id":"1","labels":{},"note":""},{"labels":{},"note":""}],"meta":{"total":2,"links":{"next":"","prev":""}}}"#,
        );
        assert_eq!(missing.field, "things[1]");
        assert!(
            missing.reason.starts_with("missing field `id`"),
            "{missing:?}"
        );
        assert!(!missing.cut);
    }

    #[test]
    fn an_answer_without_its_key_or_its_meta_is_no_answer() {
        assert!(
            failure::<One<Thing>>("{}")
                .reason
                .contains("missing field `thing`")
        );
        assert_eq!(failure::<One<Thing>>(r#"{"thing":null}"#).field, "thing");
        assert!(
            failure::<Page<Thing>>(r#"{"things":[]}"#)
                .reason
                .contains("`meta`")
        );
        assert!(
            failure::<Page<Thing>>(r#"{"things":[],"meta":{"total":0}}"#)
                .reason
                .contains("`links`")
        );
        assert!(
            failure::<One<Thing>>("<html>")
                .reason
                .contains("expected value")
        );
        assert!(!failure::<One<Thing>>(r#"{"thing":{}} x"#).cut);
    }

    #[test]
    fn a_cut_body_is_told_from_a_wrong_one() {
        let whole = r#"{"thing":{"id":"1","labels":{},"note":""}}"#;
        assert!(read::<One<Thing>>(whole.as_bytes()).is_ok());
        for end in 0..whole.len() {
            assert!(
                failure::<One<Thing>>(&whole[..end]).cut,
                "{}",
                &whole[..end]
            );
        }
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_not_repeated() {
        let wrong = failure::<One<Thing>>(
            r#"{"thing":{"id":"1","labels":{},"note":"","password":{"x":"hunter2"}}}"#,
        );
        assert!(!wrong.reason.contains("hunter2"), "{wrong:?}");
        let wrong =
            failure::<One<Thing>>(r#"{"thing":{"id":"1","labels":{},"note":"","password":4711}}"#);
        assert!(!wrong.reason.contains("4711"), "{wrong:?}");
    }
}
