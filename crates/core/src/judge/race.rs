//! A race: another run, or a verdict.

use super::beliefs::{Beliefs, Demand, Weighing};
use super::boundary::LEVELS;
use super::{Evidence, Mode, Rule, Ruling, Weighed, ruling_for, short};
use crate::experiment::Verdict;
use crate::units::counted;

/// Runs of the unmodified target before anything is held against it. More of
/// them, in a session of 100 runs, cost more than they bring (`docs/judge.md`).
pub const CALIBRATION: usize = 2;

/// What helps with this probability is not dropped after one run. It costs
/// nothing (`docs/judge.md`), and nobody understands the contrary.
const HOPE: f64 = 0.3;

/// Lines of code that an improvement of the margin is worth.
const LINES: f64 = 20.0;
/// The margin below which a difference does not matter, in units of σ.
const MARGIN: f64 = 0.5;
/// How probable it must be that a simpler candidate is no worse.
const NO_WORSE: f64 = 0.9;
/// And how often it is run at most to find out.
const RUNS_TO_SIMPLIFY: usize = 4;

/// What comes next for a candidate.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Run it again.
    Candidate,
    /// Run the incumbent again: it is the less known of the two.
    Incumbent,
    /// The evidence is enough.
    Ruling(Ruling),
}

impl Mode {
    fn demand(self) -> Option<Demand> {
        match self {
            Mode::Greedy => None,
            Mode::Bold => Some(Demand { fine: 0.1, assurance: 0.5, table: 0 }),
            Mode::Standard => Some(Demand { fine: 0.8, assurance: 0.8, table: 1 }),
            Mode::Strict => Some(Demand { fine: 2.0, assurance: 0.9, table: 2 }),
        }
    }
}

/// Decides between candidate and incumbent, or asks for another run.
///
/// `complexity` is what 20 added lines must bring, in margins of σ/2; 0 asks for
/// nothing.
pub fn step(mode: Mode, evidence: &Evidence<'_>, beliefs: &Beliefs, complexity: u32) -> Step {
    let Some(demand) = mode.demand() else { return Step::Ruling(ruling_for(evidence)) };
    let runs: Vec<f64> =
        evidence.candidate.iter().map(|value| evidence.direction.gain(0.0, *value)).collect();
    let differs = runs.iter().any(|run| run.to_bits() != runs[0].to_bits());
    let weighing = beliefs.weigh(&runs, Some(&demand));
    let Some(weighing) = weighing.filter(|_| differs || !beliefs.is_deterministic()) else {
        return Step::Ruling(ruling_for(evidence));
    };
    let race = Race { evidence, beliefs, demand, weighing, complexity, runs: runs.len() };
    race.step()
}

struct Race<'a> {
    evidence: &'a Evidence<'a>,
    beliefs: &'a Beliefs,
    demand: Demand,
    weighing: Weighing,
    complexity: u32,
    runs: usize,
}

impl Race<'_> {
    fn step(&self) -> Step {
        let Race { weighing, demand, runs, .. } = self;
        if weighing.keep > demand.assurance {
            return self.kept();
        }
        // Before any two runs of one candidate, nothing is known of the noise.
        let is_known = self.beliefs.has_replicates() || weighing.difference <= 0.0;
        let is_hopeful = *runs == 1 && (weighing.better > HOPE || !is_known);
        if (weighing.drop > 0.5 && !is_hopeful) || *runs >= LEVELS {
            return self.dropped();
        }
        self.again()
    }

    fn again(&self) -> Step {
        if self.beliefs.incumbent_is_less_known(self.runs) {
            Step::Incumbent
        } else {
            Step::Candidate
        }
    }

    fn kept(&self) -> Step {
        let added = self.added();
        let worth = f64::from(self.complexity) * self.margin() * added.max(0.0) / LINES;
        if self.weighing.gain < worth {
            return self.rule(
                Verdict::Discard,
                Rule::NotWorthItsLines,
                format!("{}, but {added} added lines ask for {}", self.words(), short(worth)),
            );
        }
        self.rule(Verdict::Keep, Rule::Better, self.words())
    }

    fn dropped(&self) -> Step {
        let fewer = -self.added();
        if fewer > 0.0 {
            let no_worse = self.beliefs.above(&self.weighing, self.runs, -self.margin());
            let lines = if fewer > 1.0 { "lines" } else { "line" };
            if no_worse >= NO_WORSE {
                let reason = format!(
                    "no worse by more than {} ({:.0}% likely), with {fewer} {lines} less",
                    short(self.margin()),
                    100.0 * no_worse
                );
                return self.rule(Verdict::Keep, Rule::EqualAndSimpler, reason);
            }
            if no_worse > 0.5 && self.runs < RUNS_TO_SIMPLIFY {
                return self.again();
            }
        }
        let rule = if self.weighing.difference > 0.0 { Rule::Unproven } else { Rule::Worse };
        self.rule(Verdict::Discard, rule, self.words())
    }

    fn rule(&self, verdict: Verdict, rule: Rule, reason: String) -> Step {
        let Weighing { difference, error, better, gain, .. } = self.weighing;
        let runs = u32::try_from(self.runs).unwrap_or(u32::MAX);
        let weighed = Some(Weighed { difference, error, better, gain, runs });
        let gain = Some(difference);
        Step::Ruling(Ruling { verdict, rule, reason, gain, weighed, crash: None })
    }

    /// As `better by 0.021 ± 0.004 in 2 runs, 97% likely to help`.
    fn words(&self) -> String {
        let Weighing { difference, error, better, .. } = self.weighing;
        let which = if difference > 0.0 { "better" } else { "worse" };
        let runs = counted(self.runs, "run");
        format!(
            "{which} by {} ± {} in {runs}, {} likely to help",
            short(difference.abs()),
            crate::metric::significant(error, 2),
            percent(better)
        )
    }

    /// Lines of code that the candidate has more than the incumbent.
    fn added(&self) -> f64 {
        self.evidence.candidate_lines as f64 - self.evidence.incumbent_lines as f64
    }

    /// Half of σ, and never more than what was worth a keep.
    fn margin(&self) -> f64 {
        let margin = MARGIN * self.weighing.noise.sqrt();
        self.beliefs.least_kept().map_or(margin, |least| margin.min(least))
    }
}

/// A probability in words that do not claim certainty.
fn percent(probability: f64) -> String {
    match 100.0 * probability {
        p if p >= 99.5 => "over 99%".to_owned(),
        p if p < 0.5 => "under 1%".to_owned(),
        p => format!("{p:.0}%"),
    }
}
