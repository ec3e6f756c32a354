//! What rules for reading may look at.
//!
//! A list is decided once for each class of environments: pool, type, origin, protection, and whether the asker owns them.
//! That is the same as deciding each environment for itself as long as no rule for reading tells two environments of a class
//! apart. Only two things could: the name of an environment, and an owner compared with anybody but the asker. Rules that
//! do either are refused.

use cedar_policy::Policy;
use serde_json::Value;

use crate::schema::Kind;

/// Why a rule for reading is finer than the classes of a list, if it is.
pub(crate) fn too_fine(policy: &Policy) -> Option<String> {
    if let Some(uid) = policy
        .entity_literals()
        .into_iter()
        .find(|uid| Kind::Environment.is_of(uid))
    {
        return Some(format!(
            "it names {uid} and concerns reading; lists are decided by pool, type, origin, protection and owner, so name \
             those, or name actions that do not read"
        ));
    }
    let written = policy.to_json().unwrap_or_default();
    looks_at_owners(&written).then(|| {
        "it looks at the owner of an environment and concerns reading; in rules for reading an owner can only be compared \
         with the asker: `resource.owner == principal`"
            .to_owned()
    })
}

/// Whether `resource.owner` is used in any way but to compare it with the principal.
fn looks_at_owners(written: &Value) -> bool {
    match written {
        Value::Object(node) => node
            .iter()
            .any(|(operator, operands)| match operator.as_str() {
                "==" | "!=" if compares_owner_with_asker(operands) => false,
                "." if operands["attr"] == "owner" => true,
                _ => looks_at_owners(operands),
            }),
        Value::Array(nodes) => nodes.iter().any(looks_at_owners),
        _ => false,
    }
}

fn compares_owner_with_asker(operands: &Value) -> bool {
    let (left, right) = (&operands["left"], &operands["right"]);
    let is_owner =
        |side: &Value| side["."]["attr"] == "owner" && side["."]["left"]["Var"] == "resource";
    let is_asker = |side: &Value| side["Var"] == "principal";
    (is_owner(left) && is_asker(right)) || (is_asker(left) && is_owner(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(condition: &str) -> bool {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        too_fine(&Policy::parse(None, text).expect("a policy")).is_some()
    }

    #[test]
    fn an_owner_is_compared_with_the_asker_and_with_nobody_else() {
        assert!(!refused("resource.owner == principal"));
        assert!(!refused(
            "resource.protected || principal != resource.owner"
        ));
        assert!(refused(r#"resource.owner == Slipway::User::"a@b""#));
        assert!(refused(r#"resource.owner in Slipway::Team::"a""#));
        assert!(refused("[resource.owner].contains(principal)"));
        assert!(refused(r#"resource["owner"].email like "*@b""#));
        assert!(refused(
            "if resource.protected then resource.owner in principal else true"
        ));
    }

    #[test]
    fn an_environment_is_not_named() {
        assert!(refused(r#"resource == Slipway::Environment::"shop""#));
        assert!(refused(
            r#"[Slipway::Environment::"shop"].contains(resource)"#
        ));
        let scope = r#"forbid (principal, action, resource == Slipway::Environment::"shop");"#;
        assert!(too_fine(&Policy::parse(None, scope).expect("a policy")).is_some());
        assert!(!refused(r#"resource in Slipway::Pool::"shop""#));
    }
}
