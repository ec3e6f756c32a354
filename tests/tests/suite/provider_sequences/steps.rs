//! Carrying a sequence out.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::driven::{Account, Deployment, Driven, Outcome, PlatformWish, PoolWish, Wish};
use slipway_tests::{Sandbox, SandboxOptions};
use tfcore::CoreError;

use super::foreign::Foreign;
use super::model;
use super::sequence::{Console, Edit, Sequence, Step, Trouble};

/// A wait costs a few polls at this speed.
const SPEED: u32 = 60_000;
const PLANS: [&str; 3] = ["vc2-2c-4gb", "vc2-4c-8gb", "vc2-6c-16gb"];
const POOLS: [&str; 3] = ["one", "two", "three"];

/// An account and a provider of one's own.
pub(crate) struct Lane {
    _sandbox: Sandbox,
    account: Account,
    driven: Driven,
}

/// A sequence on its way.
struct Walk<'a> {
    lane: &'a mut Lane,
    wish: Wish,
    state: Deployment,
    foreign: Foreign,
}

impl Lane {
    pub(crate) async fn open() -> Result<Self> {
        let sandbox = Sandbox::start(SandboxOptions {
            speed: SPEED,
            ..SandboxOptions::records()
        })?;
        Ok(Self {
            account: Account::of(&sandbox)?,
            driven: Driven::start(&sandbox).await?,
            _sandbox: sandbox,
        })
    }

    pub(crate) async fn run(&mut self, sequence: &Sequence) -> Result<()> {
        let mut platform = PlatformWish::small(&format!("walk-{}", sequence.seed));
        let version = if sequence.seed.is_multiple_of(2) {
            "1.35"
        } else {
            "1.36"
        };
        version.clone_into(&mut platform.version);
        let mut walk = Walk {
            lane: self,
            wish: Wish {
                platform,
                pools: BTreeMap::new(),
            },
            state: Deployment::default(),
            foreign: Foreign::default(),
        };
        for (at, step) in sequence.steps.iter().enumerate() {
            let what = || {
                format!(
                    "step {at}: {:?}, {:?}, {:?}",
                    step.edit, step.console, step.trouble
                )
            };
            walk.step(step).await.with_context(what)?;
        }
        walk.end(&sequence.end)
            .await
            .context("the destroy at the end")
    }
}

impl Walk<'_> {
    async fn step(&mut self, step: &Step) -> Result<()> {
        // Without state and mark nothing says whose it is: then a person has to decide, and the provider refuses.
        let lost = matches!(step.trouble, Trouble::LostState);
        let console = step.console.as_ref();
        if let Some(console) = console.filter(|console| !(lost && console.takes_mark_away())) {
            self.at_the_console(console).await?;
        }
        if matches!(step.edit, Edit::Destroy) {
            self.destroy(console.and_then(Console::keeps_from_destroying))
                .await?;
        } else if !(lost && matches!(step.edit, Edit::RemovePool(_))) {
            // A pool that neither state nor configuration names is nobody's wish: it stays until somebody imports it.
            self.edit(&step.edit);
        }
        self.apply_under(&step.trouble).await?;
        self.settled().await
    }

    fn edit(&mut self, edit: &Edit) {
        let platform = &mut self.wish.platform;
        let pools = &mut self.wish.pools;
        match edit {
            Edit::Nothing | Edit::Destroy => {}
            Edit::SystemNodes(fewest, most) => platform.nodes = (*fewest, *most),
            Edit::SystemPlan(plan) => platform.plan = plan_of(*plan),
            Edit::Upgrade => "1.36".clone_into(&mut platform.version),
            Edit::AddPool(which) => {
                let name = POOLS[which % POOLS.len()].to_owned();
                pools.entry(name).or_insert_with(PoolWish::small);
            }
            Edit::RemovePool(which) => {
                if let Some(name) = pools.keys().nth(which % pools.len().max(1)).cloned() {
                    pools.remove(&name);
                }
            }
            Edit::PoolNodes(which, fewest, most) => {
                change(pools, *which, |pool| pool.nodes = (*fewest, *most));
            }
            Edit::PoolPlan(which, plan) => change(pools, *which, |pool| pool.plan = plan_of(*plan)),
            Edit::PoolLabels(which, bits) => change(pools, *which, |pool| {
                let labels = (0..3).filter(|bit| bits >> bit & 1 == 1);
                pool.labels = labels
                    .map(|bit| (format!("label-{bit}"), format!("v{}", bits >> 8 & 3)))
                    .collect();
            }),
            Edit::PoolTaints(which, bits) => change(pools, *which, |pool| {
                let taints = (0..3).filter(|bit| bits >> bit & 1 == 1);
                pool.taints = taints.map(|bit| format!("taint-{bit}")).collect();
            }),
        }
    }

    /// A person changes something behind Terraform's back. What the account refuses did not happen.
    async fn at_the_console(&mut self, console: &Console) -> Result<()> {
        let account = &self.lane.account;
        if let Console::Foreign(which) = console {
            let name = self.wish.platform.name.clone();
            return self.foreign.make(account, *which, &name).await;
        }
        let clusters = account.clusters(&self.wish.platform.mark()).await?;
        let Some(cluster) = clusters.first() else {
            return Ok(());
        };
        let cluster_path = format!("v2/kubernetes/clusters/{}", text(&cluster["id"]));
        let pool_at = |which: usize| {
            let pools = cluster["node_pools"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            let pool = &pools[which % pools.len()];
            (
                pool.clone(),
                format!("{cluster_path}/node-pools/{}", text(&pool["id"])),
            )
        };
        let (method, path, body) = match console {
            Console::Foreign(_) => return Ok(()),
            Console::DeletePool(which) => ("DELETE", pool_at(*which).1, Value::Null),
            Console::ResizePool(which, nodes) => {
                ("PATCH", pool_at(*which).1, json!({"node_quantity": nodes}))
            }
            Console::TagPool(which) => ("PATCH", pool_at(*which).1, json!({"tag": "mine"})),
            Console::AddLabel(which) => {
                let path = format!("{}/labels", pool_at(*which).1);
                ("POST", path, json!({"key": "by-hand", "value": "yes"}))
            }
            Console::DropLabel(which) => {
                let path = format!("{}/labels", pool_at(*which).1);
                let labels = account.call("GET", &path, None).await?;
                let Some(label) = labels["labels"].get(0) else {
                    return Ok(());
                };
                (
                    "DELETE",
                    format!("{path}/{}", text(&label["id"])),
                    Value::Null,
                )
            }
            Console::DeleteNode(which) => {
                let node = pool_at(*which).0["nodes"][0]["id"].clone();
                (
                    "DELETE",
                    format!("v2/instances/{}", text(&node)),
                    Value::Null,
                )
            }
            Console::DeleteCluster => ("DELETE", cluster_path, Value::Null),
            Console::RenameCluster => ("PUT", cluster_path, json!({"label": "mine"})),
            Console::DescribeVpc => {
                let path = format!("v2/vpcs/{}", text(&cluster["vpcs"][0]["id"]));
                ("PUT", path, json!({"description": "mine"}))
            }
        };
        let body = Some(&body).filter(|body| !body.is_null());
        account.send(method, &path, body).await?;
        Ok(())
    }

    /// Destroys everything. If that may be refused for what was done at the console, the user does as the refusal says.
    async fn destroy(&mut self, refusal: Option<&str>) -> Result<()> {
        let Lane {
            account, driven, ..
        } = &mut *self.lane;
        driven.new_command().await?;
        match self.state.destroy(driven).await {
            Err(refused) if refusal.is_some_and(|code| refused.to_string().contains(code)) => {}
            ended => return Ok(ended?),
        }
        driven.new_command().await?;
        self.state
            .apply_or_take_over(driven, account, &self.wish)
            .await?;
        driven.new_command().await?;
        Ok(self.state.destroy(driven).await?)
    }

    /// Applies while something goes wrong, and then until it went well.
    async fn apply_under(&mut self, trouble: &Trouble) -> Result<()> {
        let Lane {
            account, driven, ..
        } = &mut *self.lane;
        driven.new_command().await?;
        match trouble {
            Trouble::Nothing => {}
            Trouble::LostState => self.state = Deployment::default(),
            Trouble::Fault(order) => {
                account.fault(order).await?;
                let ended = self.state.apply(driven, &self.wish).await;
                account.clear_faults().await?;
                orderly(ended.map(drop))?;
            }
            Trouble::Kill(deadly) => {
                let run = self.state.apply(driven, &self.wish);
                match deadly.threaten(driven, account, run).await? {
                    Outcome::Finished(ended) => orderly(ended.map(drop))?,
                    Outcome::Killed { .. } => driven.restart().await?,
                }
            }
        }
        driven.new_command().await?;
        self.state
            .apply_or_take_over(driven, account, &self.wish)
            .await
    }

    async fn settled(&mut self) -> Result<()> {
        let Lane {
            account, driven, ..
        } = &*self.lane;
        model::check(account, &self.state, &self.wish, &self.foreign).await?;
        driven.new_command().await?;
        self.state.settled(driven, &self.wish).await
    }

    async fn end(mut self, trouble: &Trouble) -> Result<()> {
        let Lane {
            account, driven, ..
        } = &mut *self.lane;
        driven.new_command().await?;
        match trouble {
            Trouble::Nothing | Trouble::LostState => {}
            Trouble::Fault(order) => {
                account.fault(order).await?;
                let ended = self.state.destroy(driven).await;
                account.clear_faults().await?;
                orderly(ended)?;
            }
            Trouble::Kill(deadly) => {
                let run = self.state.destroy(driven);
                match deadly.threaten(driven, account, run).await? {
                    Outcome::Finished(ended) => orderly(ended)?,
                    Outcome::Killed { .. } => driven.restart().await?,
                }
            }
        }
        driven.new_command().await?;
        self.state.destroy(driven).await?;
        ensure!(self.state.is_empty(), "something is left in the state");
        let objects = account.objects().await?;
        self.foreign.untouched(&objects)?;
        let left = objects
            .iter()
            .find(|object| !self.foreign.owns(&object["id"]));
        ensure!(left.is_none(), "left in the account: {left:?}");
        self.foreign.clear(account).await
    }
}

/// A provider may refuse, with a code of its own; it may not break a rule of the protocol.
fn orderly(ended: Result<(), CoreError>) -> Result<()> {
    match ended {
        Ok(()) => Ok(()),
        Err(error) if !error.refused().is_empty() => {
            let text = error.to_string();
            ensure!(text.contains("SLW-"), "an error without a code: {text}");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn change(pools: &mut BTreeMap<String, PoolWish>, which: usize, edit: impl FnOnce(&mut PoolWish)) {
    let count = pools.len().max(1);
    if let Some(pool) = pools.values_mut().nth(which % count) {
        edit(pool);
    }
}

fn plan_of(number: usize) -> String {
    PLANS[number % PLANS.len()].to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
