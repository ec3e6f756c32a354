//! Property: what is written is read back, for every type.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::path::AttributePath;

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", Number::from_exact_f64),
        "-?[0-9]{1,40}(\\.[0-9]{1,20})?".prop_map(|text| text.parse().unwrap()),
    ]
}

fn refinements() -> impl Strategy<Value = Refinements> {
    let bound = || proptest::option::of((number(), any::<bool>()));
    (
        any::<bool>(),
        proptest::option::of("\\PC{0,20}"),
        bound(),
        bound(),
        proptest::option::of(any::<u64>()),
        proptest::option::of(any::<u64>()),
    )
        .prop_map(
            |(not_null, prefix, lower, upper, min_length, max_length)| Refinements {
                not_null,
                prefix,
                lower,
                upper,
                min_length,
                max_length,
            },
        )
}

fn types(depth: u32) -> BoxedStrategy<Type> {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::Number),
        Just(Type::String),
        Just(Type::Dynamic)
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = || types(depth - 1);
    prop_oneof![
        leaf,
        inner().prop_map(Type::list),
        inner()
            .prop_filter("sets hold no dynamic values", |ty| !ty.has_dynamic())
            .prop_map(Type::set),
        inner().prop_map(Type::map),
        proptest::collection::vec(inner(), 0..3).prop_map(Type::Tuple),
        proptest::collection::btree_map("[a-z_]{1,8}", inner(), 0..4).prop_map(Type::Object),
    ]
    .boxed()
}

/// Values of a type; unknown ones only if wanted, since JSON has no form for them.
fn values(ty: &Type, unknown: bool) -> BoxedStrategy<Value> {
    let known = known_values(ty, unknown);
    if unknown {
        let unknown = refinements().prop_map(|promises| Value::Unknown(Box::new(promises)));
        prop_oneof![8 => known, 1 => Just(Value::Null), 1 => unknown].boxed()
    } else {
        prop_oneof![8 => known, 1 => Just(Value::Null)].boxed()
    }
}

fn known_values(ty: &Type, unknown: bool) -> BoxedStrategy<Value> {
    let items = |element: &Type| proptest::collection::vec(values(element, unknown), 0..4);
    match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => number().prop_map(Value::Number).boxed(),
        Type::String => "\\PC{0,40}".prop_map(Value::String).boxed(),
        Type::Dynamic => types(0)
            .prop_filter("a type of its own", |ty| *ty != Type::Dynamic)
            .prop_flat_map(move |own| {
                let inner = known_values(&own, unknown);
                inner.prop_map(move |inner| Value::Dynamic(own.clone(), Box::new(inner)))
            })
            .boxed(),
        Type::List(element) => items(element).prop_map(Value::List).boxed(),
        Type::Set(element) => items(element)
            .prop_map(|items| Value::Set(items.into_iter().collect()))
            .boxed(),
        Type::Map(element) => {
            let element = values(element, unknown);
            proptest::collection::btree_map("\\PC{0,8}", element, 0..4)
                .prop_map(Value::Map)
                .boxed()
        }
        Type::Tuple(types) => {
            let each: Vec<_> = types.iter().map(|ty| values(ty, unknown)).collect();
            each.prop_map(Value::Tuple).boxed()
        }
        Type::Object(types) => {
            let names: Vec<String> = types.keys().cloned().collect();
            let each: Vec<_> = types.values().map(|ty| values(ty, unknown)).collect();
            each.prop_map(move |fields| {
                Value::Object(
                    names
                        .iter()
                        .cloned()
                        .zip(fields)
                        .collect::<BTreeMap<_, _>>(),
                )
            })
            .boxed()
        }
    }
}

fn typed_values(unknown: bool) -> impl Strategy<Value = (Type, Value)> {
    types(3).prop_flat_map(move |ty| {
        let value = values(&ty, unknown);
        (Just(ty), value)
    })
}

proptest! {
    #[test]
    fn c42_msgpack_is_read_back_as_written((ty, value) in typed_values(true)) {
        let bytes = encode_msgpack(&ty, &value).unwrap();
        prop_assert_eq!(decode_msgpack(&ty, &bytes).unwrap(), value);
    }

    #[test]
    fn json_is_read_back_as_written((ty, value) in typed_values(false)) {
        let root = AttributePath::root();
        let json = encode_json(&value, &root).unwrap().to_string();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(decode_json(&ty, &json, &root).unwrap(), value);
    }

    #[test]
    fn garbage_is_an_error_and_no_panic(ty in types(2), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = decode_msgpack(&ty, &bytes);
    }
}

/// Bytes as core writes them.
#[test]
fn fixtures_of_core_are_read() {
    let read = |ty: Type, bytes: &[u8]| decode_msgpack(&ty, bytes).unwrap();
    assert_eq!(read(Type::String, &[0xd4, 0x00, 0x00]), Value::unknown());
    assert_eq!(
        encode_msgpack(&Type::String, &Value::unknown()).unwrap(),
        [0xd4, 0x00, 0x00]
    );
    // "b-${x.id}": not null, begins with "b-".
    let refined = [0xc7, 0x07, 0x0c, 0x82, 0x01, 0xc2, 0x02, 0xa2, b'b', b'-'];
    let expected = Refinements {
        not_null: true,
        prefix: Some("b-".into()),
        ..Refinements::default()
    };
    assert_eq!(
        read(Type::String, &refined[..]),
        Value::Unknown(Box::new(expected))
    );
    // A large integer and a plain tenth travel as text.
    let large = b"\xb418446744073709551617";
    assert_eq!(
        read(Type::Number, large),
        Value::Number("18446744073709551617".parse().unwrap())
    );
    assert_eq!(
        read(Type::Number, b"\xa30.1"),
        Value::Number("0.1".parse().unwrap())
    );
    assert_eq!(
        encode_msgpack(&Type::Number, &0.1.into_value()).unwrap(),
        b"\xa30.1"
    );
    // Any type: its own type comes along.
    let dynamic = b"\x92\xc4\x08\"string\"\xa1a";
    let expected = Value::Dynamic(Type::String, Box::new("a".into_value()));
    assert_eq!(read(Type::Dynamic, dynamic), expected);
    // Every attribute is there, null included.
    let ty = Type::object([("a", Type::Bool), ("b", Type::Bool)]);
    assert!(decode_msgpack(&ty, b"\x81\xa1a\xc3").is_err());
    assert!(decode_msgpack(&ty, b"\x83\xa1a\xc3\xa1b\xc0\xa1c\xc0").is_err());
    assert!(decode_msgpack(&ty, b"\x82\xa1a\xc3\xa1b\xc0").is_ok());
}
