//! How node pools are called and marked at Vultr.
//!
//! A pool's label can never change and is unique in its cluster, so a pool that replaces another is labelled
//! `<name>-<first eight digits of the id of the pool it replaces>`. The name is what users write and what stays. From
//! the label alone a later run knows which pool is the old one and which the new, and never makes a third.

use vultr::{Cluster, NodePool};

use crate::mark::Mark;

/// How many digits of the replaced pool's id a label carries.
const DIGITS: usize = 8;
/// The tag of pools in clusters that Slipway did not make.
const FOREIGN: &str = "slipway";
const CREATING: &str = " (creating)";
const UPGRADING: &str = " (upgrading ";

/// The label of the pool that replaces another one.
pub(crate) fn replacement(name: &str, replaced: &str) -> String {
    format!("{name}-{}", digits(replaced))
}

/// Whether a label is that of a pool which replaces, or replaced, the pool of this id.
pub(crate) fn replaces(label: &str, replaced: &str) -> bool {
    suffix(label).is_some_and(|(_, digits_seen)| digits_seen == digits(replaced))
}

/// The name that a label stands for.
pub(crate) fn name_of(label: &str) -> &str {
    suffix(label).map_or(label, |(name, _)| name)
}

fn digits(id: &str) -> &str {
    id.get(..DIGITS).unwrap_or(id)
}

fn suffix(label: &str) -> Option<(&str, &str)> {
    let (name, digits) = label.rsplit_once('-')?;
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (!name.is_empty() && digits.len() == DIGITS && digits.bytes().all(hex))
        .then_some((name, digits))
}

/// The tags of a cluster's pools: the mark of the cluster's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolTags {
    finished: String,
}

impl PoolTags {
    /// The tags of the pools of this cluster.
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let finished = match Mark::read(&cluster.label) {
            Some(mark) => mark.platform().mark(),
            None => FOREIGN.to_owned(),
        };
        Self { finished }
    }

    /// The tags of pools whose finished tag is this one.
    pub(crate) fn finished_as(tag: impl Into<String>) -> Self {
        Self {
            finished: tag.into(),
        }
    }

    /// Once the pool stands.
    pub(crate) fn finished(&self) -> &str {
        &self.finished
    }

    /// While it is being made.
    pub(crate) fn creating(&self) -> String {
        format!("{}{CREATING}", self.finished)
    }

    /// On the first pool while its cluster is raised to a build.
    pub(crate) fn upgrading(&self, build: &str) -> String {
        format!("{}{UPGRADING}{build})", self.finished)
    }

    /// The build that the pool's cluster is being raised to, if its tag says so.
    pub(crate) fn upgrade_of<'p>(&self, pool: &'p NodePool) -> Option<&'p str> {
        let rest = pool.tag.strip_prefix(&self.finished)?;
        rest.strip_prefix(UPGRADING)?.strip_suffix(')')
    }

    /// Whether a pool was made by Slipway for this owner, finished or not.
    pub(crate) fn owns(&self, pool: &NodePool) -> bool {
        pool.tag
            .strip_prefix(&self.finished)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "e97bdee9-1111-4222-8333-444455556666";

    #[test]
    fn a_replacement_keeps_the_name_and_tells_what_it_replaces() {
        let label = replacement("memory", OLD);
        assert_eq!(label, "memory-e97bdee9");
        assert_eq!(name_of(&label), "memory");
        assert!(replaces(&label, OLD));
        assert!(!replaces("memory", OLD));
        assert!(!replaces("memory-00000000", OLD));
        let next = replacement(name_of(&label), "0123abcd-0000-4000-8000-000000000000");
        assert_eq!(next, "memory-0123abcd");
    }

    #[test]
    fn ordinary_names_are_their_own_labels() {
        for label in [
            "memory",
            "extra-0",
            "a-e97bdee",
            "a-E97BDEE9",
            "-e97bdee9",
            "x-12345678z",
        ] {
            assert_eq!(name_of(label), label);
        }
    }

    #[test]
    fn tags_tell_the_owner_and_the_upgrade() {
        let tags = PoolTags::finished_as("slipway:acme");
        assert_eq!(tags.creating(), "slipway:acme (creating)");
        assert_eq!(
            tags.upgrading("v1.36.5+1"),
            "slipway:acme (upgrading v1.36.5+1)"
        );
    }
}
