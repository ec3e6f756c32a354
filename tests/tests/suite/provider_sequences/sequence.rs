//! Sequences as data, each made from one number.

use std::fmt;

use serde_json::{Value, json};
use slipway_tests::driven::{Deadly, Moment};

/// What a user changes in the configuration.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Nothing,
    SystemNodes(u32, u32),
    SystemPlan(usize),
    Upgrade,
    AddPool(usize),
    RemovePool(usize),
    PoolNodes(usize, u32, u32),
    PoolPlan(usize, usize),
    PoolLabels(usize, u64),
    PoolTaints(usize, u64),
    /// The whole platform goes; the apply makes it anew.
    Destroy,
}

/// What somebody does at the console.
#[derive(Clone, Debug)]
pub(crate) enum Console {
    DeletePool(usize),
    ResizePool(usize, u32),
    TagPool(usize),
    AddLabel(usize),
    DropLabel(usize),
    DeleteNode(usize),
    DeleteCluster,
    RenameCluster,
    DescribeVpc,
    /// Something of somebody else's, with a name that looks like ours.
    Foreign(usize),
}

impl Console {
    /// Whether the account no longer says whose something is.
    pub(crate) fn takes_mark_away(&self) -> bool {
        matches!(
            self,
            Self::TagPool(_) | Self::RenameCluster | Self::DescribeVpc
        )
    }

    /// The code with which a destroy may be refused after it, until an apply has brought back what it took away.
    pub(crate) fn keeps_from_destroying(&self) -> Option<&'static str> {
        match self {
            // Of two pools, the user's is the last when the platform's own is gone.
            Self::DeletePool(_) => Some("SLW-233"),
            _ => self.takes_mark_away().then_some("SLW-238"),
        }
    }
}

/// What goes wrong in the apply.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    Nothing,
    Fault(Value),
    Kill(Deadly),
    LostState,
}

/// One step: something is done, then the configuration is applied.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) edit: Edit,
    pub(crate) console: Option<Console>,
    pub(crate) trouble: Trouble,
}

/// A sequence.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) seed: u64,
    kept: Vec<usize>,
    pub(crate) steps: Vec<Step>,
    /// What goes wrong in the destroy at the end.
    pub(crate) end: Trouble,
}

/// Numbers from a seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn index(&mut self) -> usize {
        usize::try_from(self.below(97)).unwrap_or_default()
    }

    fn nodes(&mut self) -> (u32, u32) {
        let fewest = 1 + u32::try_from(self.below(2)).unwrap_or_default();
        let more = u32::try_from(self.below(3)).unwrap_or_default();
        (fewest, fewest + more)
    }

    fn edit(&mut self) -> Edit {
        let (fewest, most) = self.nodes();
        match self.below(20) {
            0..4 => Edit::AddPool(self.index()),
            4 | 5 => Edit::RemovePool(self.index()),
            6 | 7 => Edit::PoolNodes(self.index(), fewest, most),
            8 | 9 => Edit::PoolLabels(self.index(), self.roll()),
            10 | 11 => Edit::PoolTaints(self.index(), self.roll()),
            12 | 13 => Edit::PoolPlan(self.index(), self.index()),
            14 => Edit::SystemPlan(self.index()),
            15 | 16 => Edit::SystemNodes(fewest, most),
            17 => Edit::Upgrade,
            18 => Edit::Destroy,
            _ => Edit::Nothing,
        }
    }

    fn console(&mut self) -> Option<Console> {
        let pool = self.index();
        Some(match self.below(20) {
            0 => Console::DeletePool(pool),
            1 => Console::ResizePool(pool, 1 + u32::try_from(self.below(4)).unwrap_or_default()),
            2 => Console::TagPool(pool),
            3 => Console::AddLabel(pool),
            4 => Console::DropLabel(pool),
            5 => Console::DeleteNode(pool),
            6 => Console::RenameCluster,
            7 => Console::DescribeVpc,
            8 => Console::DeleteCluster,
            9..12 => Console::Foreign(pool),
            _ => return None,
        })
    }

    fn trouble(&mut self) -> Trouble {
        let nth = 1 + self.below(40);
        match self.below(12) {
            0..5 => Trouble::Nothing,
            5..8 => Trouble::Fault(self.fault(nth)),
            8..11 => {
                let moment = if self.below(2) == 0 {
                    Moment::Before
                } else {
                    Moment::After
                };
                Trouble::Kill(Deadly { nth, moment })
            }
            _ => Trouble::LostState,
        }
    }

    fn fault(&mut self, nth: u64) -> Value {
        let action = match self.below(8) {
            0 => json!({"status": 429, "retry_after": 0}),
            1 => json!({"status": 500}),
            2 => json!({"status": 500, "after": true}),
            3 => json!({"status": 503}),
            4 => json!("timeout_before"),
            5 => json!("timeout_after"),
            6 => json!("cut_body"),
            _ => json!("stale_list"),
        };
        let times = 1 + self.below(3);
        json!({"path": "/v2/**", "nth": nth, "times": times, "hold_ms": 5, "action": action})
    }
}

impl Sequence {
    /// The sequence of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let count = 1 + dice.below(4);
        let steps: Vec<Step> = (0..count)
            .map(|_| Step {
                edit: dice.edit(),
                console: dice.console(),
                trouble: dice.trouble(),
            })
            .collect();
        Self {
            seed,
            kept: (0..steps.len()).collect(),
            steps,
            end: dice.trouble(),
        }
    }

    /// How many steps it has.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The sequence without all but these of its steps.
    pub(crate) fn only(self, kept: &[usize]) -> Self {
        let steps = kept
            .iter()
            .filter_map(|at| self.steps.get(*at).cloned())
            .collect();
        Self {
            kept: kept.to_vec(),
            steps,
            ..self
        }
    }

    /// The sequence without one step.
    pub(crate) fn without(&self, at: usize) -> Self {
        let mut shorter = self.clone();
        shorter.steps.remove(at);
        shorter.kept.remove(at);
        shorter
    }

    /// The command that runs it again.
    pub(crate) fn command(&self) -> String {
        let kept: Vec<String> = self.kept.iter().map(ToString::to_string).collect();
        format!(
            "SLIPWAY_SEQUENCE={}:{} cargo test -p slipway-tests --test suite provider_sequences",
            self.seed,
            kept.join(",")
        )
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sequence {}:", self.seed)?;
        for step in &self.steps {
            writeln!(
                f,
                "  {:?}, {:?}, {:?}",
                step.edit, step.console, step.trouble
            )?;
        }
        write!(f, "  and at the end {:?}", self.end)
    }
}
