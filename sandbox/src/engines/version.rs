//! Which Kubernetes a VKE build stands for.

use anyhow::{Context, Result, ensure};

/// The minor versions that the control plane's programs can play.
const MINORS: std::ops::RangeInclusive<u32> = 33..=36;

/// A VKE build such as `v1.36.5+1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    minor: u32,
    kubelet: String,
}

impl Build {
    pub(crate) fn parse(build: &str) -> Result<Self> {
        let kubelet = build.split('+').next().unwrap_or(build);
        let minor = kubelet
            .strip_prefix("v1.")
            .and_then(|rest| rest.split('.').next())
            .and_then(|minor| minor.parse().ok())
            .with_context(|| format!("SLW-938: {build:?} is no VKE build such as v1.36.5+1"))?;
        ensure!(
            MINORS.contains(&minor),
            "SLW-939: the sandbox cannot play Kubernetes 1.{minor}: its control plane plays 1.{} to 1.{}",
            MINORS.start(),
            MINORS.end()
        );
        Ok(Self {
            minor,
            kubelet: kubelet.to_owned(),
        })
    }

    /// The argument that all three programs of a control plane need alike.
    pub(crate) fn emulation(&self) -> String {
        format!("--emulated-version=kube=1.{}", self.minor)
    }

    /// The version that the build's nodes report.
    pub(crate) fn kubelet(&self) -> &str {
        &self.kubelet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_names_its_minor_and_its_kubelet() {
        let build = Build::parse("v1.34.10+2").unwrap();
        assert_eq!(build.emulation(), "--emulated-version=kube=1.34");
        assert_eq!(build.kubelet(), "v1.34.10");
    }

    #[test]
    fn a_minor_outside_the_programs_reach_is_refused_with_the_reach() {
        let error = Build::parse("v1.37.1+1").unwrap_err().to_string();
        assert!(error.contains("1.33 to 1.36"), "{error}");
        assert!(Build::parse("latest").is_err());
    }
}
