//! Typed client of the Vultr v2 API.
//!
//! Rules that hold for every call, so that no caller has to remember them:
//!
//! - One request budget below the vendor's 30 requests a second, shared by all clones of a [`Client`].
//! - A call that may be repeated is repeated after 429, 5xx and broken connections, with bounded, jittered waits
//!   and `Retry-After` obeyed. A call that makes something is never repeated blindly: when its answer is lost it ends
//!   as [`Error::Unanswered`], and the `ensure_*` methods look the object up by its exact mark and adopt it.
//! - A listing is complete or an error; a page that fails never makes a shorter list.
//! - "Not found" has one rule, by status, and is `None`; the absence of a parent is the absence of its children.
//! - A required field that is missing is an error that names it; an empty value in PHP's spelling (`[]`, `null`) is not.
//! - Keys, passwords, kubeconfigs and console addresses are [`SecretString`](secrecy::SecretString)s, and no error holds the key.
//!
//! A future of this crate that only reads may be dropped at any time. One that writes should be driven to its end: what
//! it made is otherwise found again only by its mark.

mod account;
mod address;
mod block;
mod budget;
mod catalogue;
mod client;
mod cluster;
mod decode;
mod error;
mod holdings;
mod instance;
mod linked;
mod listing;
mod load_balancer;
mod mark;
mod node_pool;
mod open_enum;
mod pool_traits;
mod request;
mod retry;
mod settle;
mod ssh_key;
mod transport;
mod user_data;
mod vpc;
mod wait;

pub use account::{Account, Charge};
pub use block::{Block, BlockStatus, CreateBlock};
pub use budget::Budget;
pub use catalogue::{LocationCost, OperatingSystem, Plan, Region};
pub use client::{Builder, Client};
pub use cluster::{Cluster, ClusterStatus, ClusterVpc, CreateCluster, Oidc};
pub use error::{Call, Error, Refusal, Result};
pub use holdings::{FileSystemAttachment, Holding, HoldingKind};
pub use instance::{
    CreateInstance, Instance, InstanceFilter, InstanceStatus, PowerStatus, ServerStatus,
};
pub use linked::{LinkedBlock, LinkedLoadBalancer, LinkedResources};
pub use load_balancer::{
    CreateLoadBalancer, ForwardingRule, HealthCheck, LoadBalancer, LoadBalancerStatus,
};
pub use mark::{InvalidMark, Mark, Phase};
pub use node_pool::{
    CreateNodePool, Effect, Node, NodePool, NodePoolStatus, NodeStatus, Taint, UpdateNodePool,
};
pub use pool_traits::{PoolLabel, PoolTaint};
pub use retry::{Jitter, Retry};
pub use settle::{Ensured, Identified};
pub use ssh_key::SshKey;
pub use user_data::UserData;
pub use vpc::{Attachment, CreateVpc, LinkedSubscription, Subnet, Vpc};
pub use wait::{Pace, Progress, Wait};
