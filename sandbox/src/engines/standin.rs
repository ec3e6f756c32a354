//! What the stand-ins inside a cluster share: a loop that is told about every object of a kind until it is right.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::runtime::controller::{Action, Controller};
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio_util::task::AbortOnDropHandle;

/// How soon something that the account still makes is looked at again.
pub(crate) const PENDING: Duration = Duration::from_millis(200);
/// How soon a failed step is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What went wrong in one look at one object.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
struct Failure(anyhow::Error);

/// The finalizers of an object, with or without ours; what other controllers have put there stays.
pub(crate) fn finalizers_of<'a>(
    object: &'a impl ResourceExt,
    ours: &'a str,
    wanted: bool,
) -> Vec<&'a str> {
    let others = object.finalizers().iter().map(String::as_str);
    others
        .filter(|name| *name != ours)
        .chain(wanted.then_some(ours))
        .collect()
}

/// Looks at every object of a kind, again at each change and after each failure, until the handle is dropped.
pub(crate) fn watch<K, Look>(
    name: &'static str,
    api: Api<K>,
    look: &Arc<Look>,
) -> AbortOnDropHandle<()>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone + Default + Debug + Unpin + Send + Sync,
    Look: LookAt<K>,
{
    run(name, Controller::new(api, watcher::Config::default()), look)
}

/// The same for a controller that watches more than one kind, or one that is known at run time only.
pub(crate) fn run<K, Look>(
    name: &'static str,
    controller: Controller<K>,
    look: &Arc<Look>,
) -> AbortOnDropHandle<()>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone + Debug + Unpin + Send + Sync,
    Look: LookAt<K>,
{
    let stream = controller.run(
        |object, look: Arc<Look>| async move { look.look_at(object).await.map_err(Failure) },
        move |_object, failure, _look| {
            tracing::warn!(stand_in = name, %failure, "stand-in: will try again");
            Action::requeue(RETRY)
        },
        Arc::clone(look),
    );
    AbortOnDropHandle::new(tokio::spawn(stream.for_each(async |_| ())))
}

/// One look at one object: bring the account and the object together.
pub(crate) trait LookAt<K>: Send + Sync + 'static {
    /// Says when to look again.
    fn look_at(&self, object: Arc<K>) -> impl Future<Output = anyhow::Result<Action>> + Send;
}
