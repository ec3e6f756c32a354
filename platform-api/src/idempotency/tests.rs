use super::*;
use bytes::Bytes;
use std::time::{Duration, Instant};

const KEEP: Duration = Duration::from_mins(10);

fn keys(answers: usize) -> Keys {
    Keys::new(Settings {
        answers,
        body: 1000,
        keep: KEEP,
    })
}

fn key(text: &str) -> Key {
    Key::read(text.as_bytes()).expect("a key")
}

const REQUEST: Request<'_> = Request {
    principal: "User::\"ada\"",
    method: "PUT",
    path: "/api/v1/environments/shop",
    if_match: Some("\"a\""),
    body: b"{}",
};

fn answer(status: u16) -> Answer {
    Answer {
        status,
        headers: vec![("etag".to_owned(), "\"b\"".to_owned())],
        body: Bytes::from_static(b"{\"phase\":\"Pending\"}"),
    }
}

fn first(keys: &Keys, key: &Key, now: Instant) -> Running {
    match keys.begin(key, &REQUEST, now) {
        Ok(Begun::First(running)) => running,
        other => panic!("it was to be the first: {other:?}"),
    }
}

#[test]
fn a_repeat_gets_the_very_same_answer() {
    let (keys, key, now) = (keys(10), key("k"), Instant::now());
    first(&keys, &key, now).finish(&answer(202), now);
    match keys.begin(&key, &REQUEST, now) {
        Ok(Begun::Again(again)) => assert_eq!(again, answer(202)),
        other => panic!("it was to be a repeat: {other:?}"),
    }
}

#[test]
fn a_key_with_another_request_is_refused_whatever_differs() {
    let (keys, key, now) = (keys(10), key("k"), Instant::now());
    first(&keys, &key, now).finish(&answer(202), now);
    let others = [
        Request {
            method: "POST",
            ..REQUEST
        },
        Request {
            path: "/api/v1/environments/shop2",
            ..REQUEST
        },
        Request {
            if_match: None,
            ..REQUEST
        },
        Request {
            if_match: Some(""),
            ..REQUEST
        },
        Request {
            body: b"{ }",
            ..REQUEST
        },
    ];
    for other in others {
        let refused = keys.begin(&key, &other, now);
        assert!(
            matches!(refused, Err(KeyError::Reused { .. })),
            "{other:?}: {refused:?}"
        );
        assert_ne!(other.operation(Some(&key)), REQUEST.operation(Some(&key)));
    }
}

#[test]
fn a_key_belongs_to_its_principal() {
    let (keys, key, now) = (keys(10), key("k"), Instant::now());
    first(&keys, &key, now).finish(&answer(202), now);
    let eve = Request {
        principal: "User::\"eve\"",
        ..REQUEST
    };
    assert!(matches!(keys.begin(&key, &eve, now), Ok(Begun::First(_))));
    assert_ne!(eve.operation(Some(&key)), REQUEST.operation(Some(&key)));
}

#[test]
fn a_repeat_while_the_first_is_under_way_is_told_to_wait() {
    let (keys, key, now) = (keys(10), key("k"), Instant::now());
    let running = first(&keys, &key, now);
    assert!(matches!(
        keys.begin(&key, &REQUEST, now),
        Err(KeyError::UnderWay { .. })
    ));
    drop(running);
    first(&keys, &key, now);
}

#[test]
fn a_refusal_is_judged_anew() {
    let (keys, key, now) = (keys(10), key("k"), Instant::now());
    for status in [403, 412, 503] {
        first(&keys, &key, now).finish(&answer(status), now);
    }
    assert!(keys.is_empty());
}

#[test]
fn answers_are_forgotten_after_their_time_and_beyond_their_number() {
    let (keys, now) = (keys(3), Instant::now());
    for number in 0..5 {
        first(&keys, &key(&number.to_string()), now).finish(&answer(200), now);
    }
    assert_eq!(keys.len(), 3);
    assert!(matches!(
        keys.begin(&key("4"), &REQUEST, now),
        Ok(Begun::Again(_))
    ));
    drop(first(&keys, &key("0"), now));
    first(&keys, &key("4"), now + KEEP);
    assert!(keys.is_empty());
}

#[test]
fn a_long_answer_does_not_fill_the_memory() {
    let (keys, key, now) = (keys(3), key("k"), Instant::now());
    let long = Answer {
        body: Bytes::from(vec![b' '; 1001]),
        ..answer(200)
    };
    first(&keys, &key, now).finish(&long, now);
    assert!(keys.is_empty());
}

#[test]
fn the_same_request_makes_the_same_write_in_every_process() {
    let id = REQUEST.operation(Some(&key("k")));
    assert_eq!(id, REQUEST.operation(Some(&key("k"))));
    assert_ne!(id, REQUEST.operation(Some(&key("l"))));
    // Part of the contract with the objects in the bucket: a change of it would forget every write under way.
    assert_eq!(id.get_version_num(), 8);
    assert_ne!(REQUEST.operation(None), REQUEST.operation(None));
}

#[test]
fn a_key_is_printable_and_bounded() {
    for bad in [
        "".as_bytes(),
        &[b'a'; 256],
        b"a\nb",
        "ä".as_bytes(),
        &[0xff],
    ] {
        assert!(matches!(Key::read(bad), Err(KeyError::Malformed { .. })));
    }
    Key::read(&[b'a'; 255]).expect("a key");
}
