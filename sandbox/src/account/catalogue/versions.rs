//! Kubernetes builds, newest first. One build a minor version: the vendor withdraws an old build when a newer one comes.

const VERSIONS: [&str; 4] = ["v1.36.5+1", "v1.35.8+1", "v1.34.11+1", "v1.33.14+1"];

/// All builds on sale.
pub(crate) fn versions() -> &'static [&'static str] {
    &VERSIONS
}

/// Major and minor version of a build.
fn minor_of(build: &str) -> Option<(u32, u32)> {
    let mut numbers = build.strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Builds that a cluster of `current` may move to: forward only, one minor version at most.
pub(crate) fn upgrades_of(current: &str, withdrawn: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let Some((major, minor)) = minor_of(current) else {
        return Vec::new();
    };
    VERSIONS
        .into_iter()
        .filter(|build| *build != current && !withdrawn(build))
        .filter(|build| {
            // A withdrawn older patch of the same minor moves to the build on sale.
            minor_of(build)
                .is_some_and(|target| target == (major, minor) || target == (major, minor + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::upgrades_of;

    #[test]
    fn upgrades_go_one_minor_forward() {
        assert_eq!(upgrades_of("v1.36.5+1", |_| false), Vec::<&str>::new());
        assert_eq!(upgrades_of("v1.34.11+1", |_| false), vec!["v1.35.8+1"]);
        assert_eq!(
            upgrades_of("v1.34.11+1", |build| build == "v1.35.8+1"),
            Vec::<&str>::new()
        );
    }
}
