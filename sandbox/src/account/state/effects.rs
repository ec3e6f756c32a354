//! What the account wants done outside.

use crate::world::{ClusterSpec, Disturbance, InstanceSpec, NodeSpec};

/// One order to the engines. Orders of one object are carried out in the order of their making.
#[derive(Clone)]
pub(crate) enum Effect {
    StartCluster(ClusterSpec),
    UpgradeCluster {
        id: String,
        version: String,
    },
    StopCluster(String),
    SetNodes {
        cluster_id: String,
        nodes: Vec<NodeSpec>,
    },
    StartInstance(Box<InstanceSpec>),
    ResumeInstance(String),
    HaltInstance(String),
    RebootInstance(String),
    DestroyInstance(String),
    Disturb {
        id: String,
        disturbance: Disturbance,
    },
    LoadBalancerGone(String),
}

impl Effect {
    /// The object it belongs to.
    pub(crate) fn object(&self) -> &str {
        match self {
            Self::StartCluster(spec) => &spec.id,
            Self::SetNodes { cluster_id, .. } => cluster_id,
            Self::StartInstance(spec) => &spec.id,
            Self::UpgradeCluster { id, .. }
            | Self::Disturb { id, .. }
            | Self::StopCluster(id)
            | Self::ResumeInstance(id)
            | Self::HaltInstance(id)
            | Self::RebootInstance(id)
            | Self::DestroyInstance(id)
            | Self::LoadBalancerGone(id) => id,
        }
    }

    /// What it is, for the log.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::StartCluster(_) => "start the control plane",
            Self::UpgradeCluster { .. } => "upgrade the control plane",
            Self::StopCluster(_) => "stop the control plane",
            Self::SetNodes { .. } => "set the nodes",
            Self::StartInstance(_) => "boot the host",
            Self::ResumeInstance(_) => "boot the host again",
            Self::HaltInstance(_) => "halt the host",
            Self::RebootInstance(_) => "reboot the host",
            Self::DestroyInstance(_) => "destroy the host",
            Self::Disturb { .. } => "disturb the host",
            Self::LoadBalancerGone(_) => "stop the load balancer",
        }
    }
}

// Specs carry user data and login keys: a log shows what is to happen and to which object, nothing more.
impl std::fmt::Debug for Effect {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.what(), self.object())
    }
}
