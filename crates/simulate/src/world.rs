//! Worlds whose truth is known: what changes do there, and how runs are noisy.
//! Everything is in units of the mean benefit of a change that helps; higher is
//! better.

use autoresearch_core::random::Random;

/// A kind of world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum World {
    /// 70% of changes harm (exponential, mean 2), 20% do nothing, 10% help
    /// (exponential, mean 1); the noise is normal.
    Plain,
    /// The noise is Student's t with 3 degrees of freedom.
    HeavyTails,
    /// One run in fifty is worse by 10 standard deviations more.
    Spikes,
    /// Every version has a noise of its own, half to twice the usual.
    Uneven,
    /// The machine drifts: a random walk, one standard deviation in 30 runs.
    Drift,
    /// The machine jumps by two standard deviations, once in 40 runs.
    Jumps,
    /// Gains have fat tails (Pareto, shape 2).
    FatGains,
    /// Gains get rarer and smaller as the session goes on.
    Saturation,
    /// Four fifths of the noise's variance are frozen in the version: another
    /// run of it shows only the rest.
    Frozen,
}

impl World {
    /// All of them.
    pub const ALL: [World; 9] = [
        World::Plain,
        World::HeavyTails,
        World::Spikes,
        World::Uneven,
        World::Drift,
        World::Jumps,
        World::FatGains,
        World::Saturation,
        World::Frozen,
    ];

    /// As a user names it.
    pub fn name(self) -> &'static str {
        match self {
            World::Plain => "plain",
            World::HeavyTails => "heavy-tails",
            World::Spikes => "spikes",
            World::Uneven => "uneven",
            World::Drift => "drift",
            World::Jumps => "jumps",
            World::FatGains => "fat-gains",
            World::Saturation => "saturation",
            World::Frozen => "frozen",
        }
    }

    /// By its name.
    pub fn of(name: &str) -> Option<World> {
        World::ALL.into_iter().find(|world| world.name() == name)
    }
}

/// A version of the target: a candidate or the baseline.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    /// What it is truly worth; the baseline is worth 0.
    pub value: f64,
    /// The effect of the change that made it.
    pub effect: f64,
    /// What every run of it shows on top, though it is not true.
    frozen: f64,
    /// Standard deviation of its runs.
    sigma: f64,
}

/// One simulated session: it hands out versions and runs them until the runs
/// are used up.
#[derive(Clone, Debug)]
pub struct Session {
    world: World,
    nu: f64,
    lots: Random,
    total: u64,
    used: u64,
    level: f64,
    /// What an omniscient judge with one run a change would have gained.
    reachable: f64,
    kept: Vec<f64>,
}

/// Share of the frozen noise in the variance.
const FROZEN: f64 = 0.8;

impl Session {
    /// With `total` runs, noise `nu` times the mean benefit.
    pub fn new(world: World, nu: f64, total: u64, seed: u64) -> Session {
        let mut session = Session {
            world,
            nu,
            lots: Random::new(seed, 0),
            total,
            used: 0,
            level: 0.0,
            reachable: 0.0,
            kept: Vec::new(),
        };
        session.reachable =
            (0..total).map(|at| session.help(at as f64 / total as f64)).sum::<f64>();
        session
    }

    /// Expected gain of one change when this share of the runs is used up.
    fn help(&self, progress: f64) -> f64 {
        let (chance, size) = self.chances(progress);
        chance * size
    }

    /// How probable a change that helps is, and how much it helps on average.
    fn chances(&self, progress: f64) -> (f64, f64) {
        match self.world {
            World::Saturation => (0.15 * (1.0 - 0.8 * progress), 1.5 * (1.0 - 0.8 * progress)),
            _ => (0.1, 1.0),
        }
    }

    /// The unmodified target.
    pub fn baseline(&mut self) -> Version {
        self.version(0.0, 0.0)
    }

    /// A change of this version.
    pub fn change(&mut self, of: &Version) -> Version {
        let (chance, size) = self.chances(self.used as f64 / self.total as f64);
        let lot = self.lots.unit();
        let effect = if lot < 0.7 {
            -2.0 * self.lots.exponential()
        } else if lot < 1.0 - chance {
            0.0
        } else if self.world == World::FatGains {
            // Pareto of the second kind with shape 2 and mean 1.
            (1.0 - self.lots.unit()).powf(-0.5) - 1.0
        } else {
            size * self.lots.exponential()
        };
        self.version(of.value + effect, effect)
    }

    /// Several changes of this version in one.
    pub fn stack(&mut self, of: &Version, changes: &[Version]) -> Version {
        let effect = changes.iter().map(|change| change.effect).sum::<f64>();
        self.version(of.value + effect, effect)
    }

    fn version(&mut self, value: f64, effect: f64) -> Version {
        let (mut frozen, mut sigma) = (0.0, self.nu);
        if self.world == World::Frozen {
            frozen = self.nu * FROZEN.sqrt() * self.lots.normal();
            sigma = self.nu * (1.0 - FROZEN).sqrt();
        }
        if self.world == World::Uneven {
            sigma *= 2_f64.powf(2.0 * self.lots.unit() - 1.0);
        }
        Version { value, effect, frozen, sigma }
    }

    /// Standard deviation of a run, in mean benefits.
    pub fn noise(&self) -> f64 {
        self.nu
    }

    /// Whether another run may be had.
    pub fn may_run(&self) -> bool {
        self.used < self.total
    }

    /// Runs a version.
    pub fn run(&mut self, version: &Version) -> f64 {
        self.used += 1;
        let noise = match self.world {
            World::HeavyTails => heavy(&mut self.lots),
            World::Spikes if self.lots.chance(0.02) => self.lots.normal() - 10.0,
            _ => self.lots.normal(),
        };
        match self.world {
            World::Drift => self.level += self.nu * self.lots.normal() / 30_f64.sqrt(),
            World::Jumps if self.lots.chance(1.0 / 40.0) => {
                self.level += 2.0 * self.nu * if self.lots.chance(0.5) { 1.0 } else { -1.0 };
            }
            _ => {}
        }
        version.value + version.frozen + version.sigma * noise + self.level
    }

    /// A change was kept.
    pub fn keep(&mut self, version: &Version) {
        self.kept.push(version.effect);
    }

    /// What came of it; `claimed` is the gain that the rule reports.
    pub fn outcome(&self, claimed: f64) -> Outcome {
        Outcome {
            gain: self.kept.iter().sum(),
            reachable: self.reachable,
            kept: self.kept.len() as u64,
            helpful: self.kept.iter().filter(|effect| **effect > 0.0).count() as u64,
            claimed,
        }
    }
}

/// What came of a session.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// What the kept changes are truly worth together.
    pub gain: f64,
    /// What an omniscient judge would have gained.
    pub reachable: f64,
    /// Changes that were kept.
    pub kept: u64,
    /// Of those, how many help.
    pub helpful: u64,
    /// The gain that the rule reports.
    pub claimed: f64,
}

/// Student's t with 3 degrees of freedom, scaled to variance 1.
fn heavy(lots: &mut Random) -> f64 {
    let chi: f64 = (0..3).map(|_| lots.normal().powi(2)).sum();
    lots.normal() / chi.sqrt()
}
