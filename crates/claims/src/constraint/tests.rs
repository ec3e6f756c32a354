use super::*;
use crate::version::tests::any_version;
use proptest::prelude::*;

fn constraint(text: &str) -> Constraint {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn admits(text: &str, version: &str) -> bool {
    constraint(text).admits(&Version::parse(version).unwrap())
}

#[test]
fn the_forms_of_the_text_are_known() {
    assert_eq!(constraint("*"), Constraint::Any);
    assert_eq!(constraint("latest"), Constraint::Latest);
    assert_eq!(constraint("v1.2.3"), Constraint::Exact("v1.2.3".into()));
    assert_eq!(
        constraint("dev-snapshot"),
        Constraint::Exact("dev-snapshot".into())
    );
    assert!(matches!(constraint("^1.0.0.0"), Constraint::Floor(_)));
    assert!(matches!(constraint("1.x.x.x"), Constraint::Pattern(_)));
    assert!(
        matches!(constraint(">=1.2.0, <2.0.0"), Constraint::Range(bounds) if bounds.len() == 2)
    );
}

#[test]
fn spaces_are_ignored_and_spelling_is_kept() {
    assert_eq!(
        constraint(" >= 1.2.0 ,<2.0.0 ").to_string(),
        ">=1.2.0, <2.0.0"
    );
    assert_eq!(constraint("^ v1.2").to_string(), "^v1.2");
    assert_eq!(constraint(" v1.X.* ").to_string(), "v1.X.*");
    assert_eq!(constraint("\t* ").to_string(), "*");
}

#[test]
fn a_floor_has_no_ceiling() {
    assert!(admits("^1.0.0.0", "1.0.0"));
    assert!(admits("^1.0.0.0", "v1.10.0"));
    assert!(
        admits("^1.0.0.0", "2.0.0"),
        "the caret of the text is not the caret of semver"
    );
    assert!(admits("^1", "1.0.0"));
    assert!(!admits("^1.0.0.0", "v0.9.0"));
    assert!(
        constraint("^1.0.0.0")
            .warning()
            .unwrap()
            .contains("next major version")
    );
    assert_eq!(constraint(">=1.0.0").warning(), None);
}

#[test]
fn a_pattern_fixes_the_first_numbers() {
    for version in ["1.2.3", "v1.2.3.4", "1.0.0"] {
        assert!(admits("1.x.x.x", version) && admits("v1.x", version) && admits("1.*", version));
    }
    assert!(!admits("1.x.x.x", "10.0.0"));
    assert!(!admits("1.x", "2.1.0"));
    assert!(
        admits("1.2.3.x", "1.2.3") && admits("1.2.3.x", "1.2.3.9") && !admits("1.2.3.x", "1.2.4")
    );
}

#[test]
fn ranges_hold_all_their_bounds() {
    assert!(admits(">=1.2.0, <2.0.0", "1.2.0") && admits(">=1.2.0, <2.0.0", "1.99.0"));
    assert!(!admits(">=1.2.0, <2.0.0", "2.0.0") && !admits(">=1.2.0, <2.0.0", "1.1.9"));
    assert!(admits(">1, <=2, !=1.5.0", "2.0.0") && !admits(">1, <=2, !=1.5.0", "1.5.0"));
    assert!(admits("=v1.2.3", "1.2.3.0") && !admits("=1.2.3", "1.2.4"));
    assert!(admits(">1.2", "1.2.0.1"), "a missing number counts as zero");
}

#[test]
fn an_exact_version_is_the_same_in_any_spelling() {
    assert!(admits("1.2.3", "v1.2.3") && admits("v1.2.3", "1.2.3.0"));
    assert!(!admits("dev-snapshot", "1.2.3"));
}

#[test]
fn what_is_not_a_constraint_is_refused_with_the_reason() {
    let long = "a".repeat(129);
    let cases = [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("^", "after `^`"),
        ("^1.x", "after `^`"),
        ("^^1", "after `^`"),
        ("^latest", "after `^`"),
        (">=", "needs one to four numbers"),
        (">=1.2.0,", "has no comparison"),
        (">=1.2.0, 2.0.0", "has no comparison"),
        ("1.2.0, <2.0.0", "has no comparison"),
        ("==1.2.0", "needs one to four numbers"),
        ("=>1.2.0", "needs one to four numbers"),
        (">=1.x", "needs one to four numbers"),
        ("1.x.3", "only at the end"),
        ("1.x.x.x.x", "more than 4 parts"),
        ("1.2.3.4.x", "more than 4 parts"),
        ("*.1", "'*' may not"),
        ("1.2.3+build", "registries write `_`"),
        ("~1.2.0", "write a range"),
        ("1.2.3 || 2", "may not stand in a tag"),
        ("-rc1", "a tag starts with"),
        (".1", "a tag starts with"),
        (long.as_str(), "at most 128"),
        ("v1.2.3\n4", "may not stand in a tag"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<Constraint>().expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn words_with_an_x_are_tags() {
    for tag in ["x", "X.1", "1.x-dev", "fix.x", "v", "1", "1.2"] {
        assert_eq!(constraint(tag), Constraint::Exact(tag.into()));
    }
}

fn any_constraint() -> impl Strategy<Value = Constraint> {
    let bound_version = "v?[0-9]{1,2}(\\.[0-9]{1,2}){0,3}(-rc\\.[0-9])?";
    let sign = proptest::sample::select(Operator::BY_SIGN.map(|(sign, _)| sign).to_vec());
    let bound = (sign, bound_version).prop_map(|(sign, version)| format!("{sign}{version}"));
    prop_oneof![
        Just("*".to_owned()),
        Just("latest".to_owned()),
        "[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}",
        any_version().prop_map(|version| version.to_string()),
        bound_version.prop_map(|version| format!("^{version}")),
        "v?[0-9]{1,2}(\\.[0-9]){0,1}(\\.[xX*]){1,2}",
        proptest::collection::vec(bound, 1..4).prop_map(|bounds| bounds.join(" , ")),
    ]
    .prop_filter_map("some random tags have a wildcard in the middle", |text| {
        text.parse().ok()
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(constraint in any_constraint()) {
        let printed = constraint.to_string();
        prop_assert_eq!(printed.parse::<Constraint>(), Ok(constraint));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,30}") {
        if let Ok(constraint) = text.parse::<Constraint>() {
            prop_assert_eq!(constraint.to_string().parse::<Constraint>(), Ok(constraint));
        }
    }
}
