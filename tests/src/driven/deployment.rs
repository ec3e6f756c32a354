//! One state file: a platform and its pools, applied in the order of their dependencies.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tfcore::{Change, Core, CoreError, ImportBy, Instance};

use super::wishes::Wish;
use super::{Account, Driven};

const PLATFORM: &str = "slipway_platform";
const POOL: &str = "slipway_node_pool";
/// A platform or a pool of this name is finished and not in the state.
const FINISHED: [&str; 2] = ["SLW-231", "SLW-234"];

/// What a state file holds.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    platform: Option<Instance>,
    pools: BTreeMap<String, Option<Instance>>,
}

/// What the plans of one apply were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plans {
    /// Of the platform.
    pub platform: Option<Change>,
    /// Of each pool.
    pub pools: BTreeMap<String, Change>,
}

impl Deployment {
    /// The platform in the state.
    #[must_use]
    pub fn platform(&self) -> Option<&Instance> {
        self.platform.as_ref()
    }

    /// A pool in the state.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&Instance> {
        self.pools.get(name)?.as_ref()
    }

    /// Whether the state is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.platform.is_none() && self.pools.values().all(Option::is_none)
    }

    fn cluster_id(&self) -> Value {
        let id = self
            .platform
            .as_ref()
            .map(|platform| platform.get("cluster_id"));
        id.cloned().unwrap_or_default()
    }

    /// `terraform apply`: the platform, then pools that are no longer wanted, then the others.
    pub async fn apply(&mut self, driven: &Driven, wish: &Wish) -> Result<Plans, CoreError> {
        let core = driven.core();
        let mut plans = Plans::default();
        let config = wish.platform.config();
        let change = core.converge(PLATFORM, &mut self.platform, &config).await?;
        plans.platform = Some(change);
        let cluster = self.cluster_id();
        for (name, slot) in &mut self.pools {
            if !wish.pools.contains_key(name) {
                core.destroy(slot).await?;
            }
        }
        self.pools.retain(|_, slot| slot.is_some());
        for (name, pool) in &wish.pools {
            let slot = self.pools.entry(name.clone()).or_default();
            let config = pool.config(name, &cluster);
            let change = core.converge(POOL, slot, &config).await?;
            plans.pools.insert(name.clone(), change);
        }
        Ok(plans)
    }

    /// Apply; if that is refused because something of the wish is finished in the account and missing in the state, the
    /// import that the error names, and apply again. A create whose answer was lost cannot be told from somebody else's.
    pub async fn apply_or_take_over(
        &mut self,
        driven: &Driven,
        account: &Account,
        wish: &Wish,
    ) -> Result<()> {
        let Err(error) = self.apply(driven, wish).await else {
            return Ok(());
        };
        let text = error.to_string();
        let missing = FINISHED.iter().any(|code| text.contains(code));
        if !missing || self.is_whole(wish) {
            bail!(error);
        }
        *self = Self::import(driven, account, wish)
            .await
            .with_context(|| format!("after {text}"))?;
        driven.new_command().await?;
        self.apply(driven, wish).await?;
        Ok(())
    }

    fn is_whole(&self, wish: &Wish) -> bool {
        self.platform.is_some() && wish.pools.keys().all(|name| self.pool(name).is_some())
    }

    /// `terraform destroy`: the pools, then the platform.
    pub async fn destroy(&mut self, driven: &Driven) -> Result<(), CoreError> {
        let core = driven.core();
        for slot in self.pools.values_mut() {
            core.destroy(slot).await?;
        }
        self.pools.clear();
        core.destroy(&mut self.platform).await
    }

    /// Fails unless a plan is empty.
    pub async fn settled(&self, driven: &Driven, wish: &Wish) -> Result<()> {
        let core = driven.core();
        let (platform, config) = (self.platform.as_ref(), wish.platform.config());
        let settled = core.settled(PLATFORM, platform, &config).await;
        settled.context("the plan of the platform after apply is not empty")?;
        let cluster = self.cluster_id();
        for (name, pool) in &wish.pools {
            let config = pool.config(name, &cluster);
            let settled = core.settled(POOL, self.pool(name), &config).await;
            settled.with_context(|| format!("the plan of pool {name} after apply is not empty"))?;
        }
        let unwanted = self
            .pools
            .keys()
            .find(|name| !wish.pools.contains_key(*name));
        match unwanted {
            Some(name) => bail!("pool {name} is still in the state"),
            None => Ok(()),
        }
    }

    /// A state that was lost, read anew by `terraform import` of everything the account holds of the wish.
    pub async fn import(driven: &Driven, account: &Account, wish: &Wish) -> Result<Self> {
        let core = driven.core();
        let by = ImportBy::Id(wish.platform.name.clone());
        let platform = core.import(PLATFORM, &by).await?;
        let cluster = platform.get("cluster_id").as_str().unwrap_or_default();
        let mut pools = BTreeMap::new();
        for name in wish.pools.keys() {
            if let Some(id) = pool_id(account, cluster, name).await? {
                let pool = import_pool(core, cluster, &id).await?;
                pools.insert(name.clone(), Some(pool));
            }
        }
        Ok(Self {
            platform: Some(platform),
            pools,
        })
    }
}

async fn import_pool(core: &Core, cluster: &str, id: &str) -> Result<Instance> {
    let by = ImportBy::Id(format!("{cluster}/{id}"));
    let imported = core.import(POOL, &by).await;
    imported.with_context(|| format!("importing pool {id}"))
}

/// Id of the pool of this name, or of the one that replaced it.
async fn pool_id(account: &Account, cluster: &str, name: &str) -> Result<Option<String>> {
    let path = format!("v2/kubernetes/clusters/{cluster}/node-pools");
    let (status, listed) = account.send("GET", &path, None).await?;
    if status == 404 {
        return Ok(None);
    }
    let none = json!([]);
    let pools = listed["node_pools"].as_array().or(none.as_array());
    let mut found = pools.into_iter().flatten().filter(|pool| {
        let label = pool["label"].as_str().unwrap_or_default();
        label == name || is_successor(label, name)
    });
    let id = found.next().and_then(|pool| pool["id"].as_str());
    Ok(id.map(str::to_owned))
}

/// Whether a label is `name` and the first eight digits of the id of the pool before it.
#[must_use]
pub fn is_successor(label: &str, name: &str) -> bool {
    let digits = label
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'));
    digits.is_some_and(|digits| {
        digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
