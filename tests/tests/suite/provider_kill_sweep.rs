//! The provider is killed at every call to the account and to the cluster, one run a call: before the call has its effect, and
//! after it.
//! The next run always ends in the world of the run that nobody killed, and a destroy in an empty account.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use slipway_tests::driven::{
    Account, Deadly, Deployment, Driven, Moment, Outcome, PlatformWish, PoolWish, Wish,
};
use slipway_tests::{Sandbox, SandboxOptions};

/// Where the settings of a platform are written down in its cluster.
const RECORD: &str = "api/v1/namespaces/slipway-system/secrets/platform";
/// A wait costs a few polls at this speed, so that a sweep is short.
const SPEED: u32 = 60_000;

/// What a run is about.
#[derive(Clone)]
enum Run {
    Apply(Wish),
    Destroy,
}

/// One account with one platform, and what was swept in it.
struct Sweep {
    _sandbox: Sandbox,
    account: Account,
    driven: Driven,
    state: Deployment,
}

fn wish() -> Wish {
    Wish {
        platform: PlatformWish::small("swept"),
        pools: BTreeMap::from([("extra".to_owned(), PoolWish::small())]),
    }
}

impl Sweep {
    async fn open() -> Result<Self> {
        let sandbox = Sandbox::start(SandboxOptions {
            speed: SPEED,
            ..SandboxOptions::records()
        })?;
        Ok(Self {
            account: Account::of(&sandbox)?,
            driven: Driven::start(&sandbox).await?,
            state: Deployment::default(),
            _sandbox: sandbox,
        })
    }

    /// Everything in the account and what is recorded in its clusters, without what differs between two equal worlds.
    async fn world(&self) -> Result<Vec<String>> {
        let objects = self.account.objects().await?;
        let mut world: Vec<String> = objects.iter().map(described).collect();
        for cluster in objects.iter().filter(|object| object["kind"] == "cluster") {
            let id = cluster["id"].as_str().context("a cluster without an id")?;
            let path = format!("_clusters/{id}/{RECORD}");
            let (_, record) = self.account.send("GET", &path, None).await?;
            world.push(format!("record {}", record["data"]));
        }
        world.sort();
        Ok(world)
    }

    async fn go(&mut self, run: &Run) -> Result<()> {
        self.driven.new_command().await?;
        match run {
            Run::Apply(wish) => {
                self.state
                    .apply_or_take_over(&self.driven, &self.account, wish)
                    .await?;
                self.driven.new_command().await?;
                self.state.settled(&self.driven, wish).await
            }
            Run::Destroy => Ok(self.state.destroy(&self.driven).await?),
        }
    }

    /// The run, killed at a call; nothing if it ended before that.
    async fn killed(&mut self, run: &Run, deadly: Deadly) -> Result<Option<(String, bool)>> {
        self.driven.new_command().await?;
        let (driven, state) = (&self.driven, &mut self.state);
        let outcome = match run {
            Run::Apply(wish) => {
                let run = async { state.apply(driven, wish).await.map(drop) };
                deadly.threaten(driven, &self.account, run).await?
            }
            Run::Destroy => {
                let run = state.destroy(driven);
                deadly.threaten(driven, &self.account, run).await?
            }
        };
        match outcome {
            Outcome::Finished(ended) => {
                ended?;
                Ok(None)
            }
            Outcome::Killed { call, writes } => {
                self.driven.restart().await?;
                Ok(Some((call, writes)))
            }
        }
    }

    /// Kills the run at every call of it. `prepare` makes the world that it starts from.
    async fn over(&mut self, prepare: &[Run], run: &Run) -> Result<usize> {
        for step in prepare {
            self.go(step).await?;
        }
        self.go(run).await.context("the run that nobody kills")?;
        let right = self.world().await?;
        self.go(&Run::Destroy).await?;
        let mut kills = 0;
        for nth in 1.. {
            let Some(writes) = self.one(prepare, run, nth, Moment::After, &right).await? else {
                break;
            };
            kills += 1;
            if writes {
                self.one(prepare, run, nth, Moment::Before, &right).await?;
                kills += 1;
            }
        }
        Ok(kills)
    }

    /// Kills once and goes on; answers whether the call that was killed could change the account, nothing if there is no such call.
    async fn one(
        &mut self,
        prepare: &[Run],
        run: &Run,
        nth: u64,
        moment: Moment,
        right: &[String],
    ) -> Result<Option<bool>> {
        for step in prepare {
            self.go(step).await?;
        }
        let killed = self.killed(run, Deadly { nth, moment }).await?;
        let place = match &killed {
            Some((call, _)) => format!("killed {moment:?} call {nth}, {call}"),
            None => "not killed".to_owned(),
        };
        self.go(run).await.with_context(|| place.clone())?;
        let world = self.world().await?;
        ensure!(
            world == right,
            "{place}: the world is\n{world:#?}\nand should be\n{right:#?}"
        );
        self.go(&Run::Destroy)
            .await
            .with_context(|| place.clone())?;
        let left = self.world().await?;
        ensure!(left.is_empty(), "{place}: left in the account: {left:#?}");
        ensure!(self.state.is_empty(), "{place}: left in the state");
        Ok(killed.map(|(_, writes)| writes))
    }
}

/// An object without ids and times. A pool that replaced another bears eight digits of that one's id.
fn described(object: &Value) -> String {
    let label = object["label"].as_str().unwrap_or_default();
    let hex = |part: &str| part.len() >= 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let label: Vec<&str> = label
        .split('-')
        .map(|part| if hex(part) { "…" } else { part })
        .collect();
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    format!(
        "{} {} {} {} [{}]",
        text("kind"),
        label.join("-"),
        text("what"),
        text("status"),
        text("mark")
    )
}

fn changed() -> Wish {
    let mut wish = wish();
    wish.platform.nodes = (2, 3);
    if let Some(pool) = wish.pools.get_mut("extra") {
        pool.nodes = (2, 4);
        pool.labels = BTreeMap::from([("team".to_owned(), "two".to_owned())]);
        pool.taints = vec!["dedicated".to_owned()];
    }
    wish
}

#[tokio::test]
async fn every_call_of_a_create() -> Result<()> {
    let kills = Sweep::open().await?.over(&[], &Run::Apply(wish())).await?;
    println!("killed {kills} times");
    Ok(())
}

#[tokio::test]
async fn every_call_of_an_update() -> Result<()> {
    let run = Run::Apply(changed());
    let kills = Sweep::open()
        .await?
        .over(&[Run::Apply(wish())], &run)
        .await?;
    println!("killed {kills} times");
    Ok(())
}

#[tokio::test]
async fn every_call_of_an_upgrade() -> Result<()> {
    let mut older = wish();
    older.platform.version = "1.35".to_owned();
    let run = Run::Apply(wish());
    let kills = Sweep::open()
        .await?
        .over(&[Run::Apply(older)], &run)
        .await?;
    println!("killed {kills} times");
    Ok(())
}

#[tokio::test]
async fn every_call_of_a_replacement_of_pools() -> Result<()> {
    let mut other = wish();
    other.platform.plan = "vc2-6c-16gb".to_owned();
    if let Some(pool) = other.pools.get_mut("extra") {
        pool.plan = "vc2-4c-8gb".to_owned();
    }
    let run = Run::Apply(other);
    let kills = Sweep::open()
        .await?
        .over(&[Run::Apply(wish())], &run)
        .await?;
    println!("killed {kills} times");
    Ok(())
}

#[tokio::test]
async fn every_call_of_a_destroy() -> Result<()> {
    let kills = Sweep::open()
        .await?
        .over(&[Run::Apply(wish())], &Run::Destroy)
        .await?;
    println!("killed {kills} times");
    Ok(())
}
