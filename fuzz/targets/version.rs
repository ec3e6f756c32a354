//! The grammar of versions and constraints, and the choice of a tag: the first line is a constraint, the others are tags.

#![no_main]

use claims::{Constraint, Version, resolve};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let tags: Vec<&str> = lines.clone().skip(1).collect();
    for version in tags.iter().filter_map(|tag| Version::parse(tag)) {
        assert_eq!(Version::parse(version.as_str()).as_ref(), Some(&version));
        assert!(version.precedence(&version).is_eq() && version.cmp(&version).is_eq());
    }
    let Some(Ok(constraint)) = lines.next().map(str::parse::<Constraint>) else {
        return;
    };
    let printed = constraint.to_string();
    assert_eq!(
        printed.parse().as_ref(),
        Ok(&constraint),
        "printed as {printed:?}"
    );
    let Ok(chosen) = resolve(&constraint, &tags) else {
        return;
    };
    assert!(
        tags.contains(&chosen.tag.as_str()),
        "a tag that does not exist"
    );
    let reversed: Vec<&str> = tags.iter().rev().copied().collect();
    let again = resolve(&constraint, &reversed).expect("the order of tags does not matter");
    assert_eq!(again.tag, chosen.tag);
    if let Some(version) = Version::parse(&chosen.tag) {
        assert!(
            constraint.admits(&version),
            "{chosen:?} does not satisfy {constraint}"
        );
    }
});
