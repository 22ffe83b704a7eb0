//! Which rules there are, and how they are named.

use autoresearch_core::judge::{Boundary, Mode};

use crate::best;
use crate::ours;
use crate::peers;
use crate::rounds::{Slots, rounds};
use crate::world::{Outcome, Session};

/// How changes are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// One run; any improvement on the best run so far is kept (Karpathy's
    /// `autoresearch` and most others).
    Greedy,
    /// Three runs of the baseline; an improvement by so many of their standard
    /// deviations is kept.
    Deviations(f64),
    /// What is better than the best is kept once it is better than the baseline
    /// by so many median absolute deviations of all results: pi-autoresearch's
    /// confidence score used as a rule (it shows "likely real" from 2 on).
    Score(f64),
    /// An improvement by so many standard deviations of the steps between the
    /// last five kept results is kept; any, before three are: autojudge 1.0.1,
    /// whose verdict KEEP begins at 1.5.
    Steps(f64),
    /// Every change runs so often; a better mean is kept.
    Repeat(u32),
    /// One run; what looks better runs once more, and is kept when the mean of
    /// both is better.
    Confirm,
    /// A sequential probability ratio test (Wald 1945) between no gain and one
    /// of so many standard deviations, candidate and incumbent in turns, with
    /// fishtest's error rates of 5%.
    Sprt(f64),
    /// Our state machine in this mode.
    Ours(Mode),
    /// The best rule there is for one who knows the prior, the noise and the
    /// incumbent's true value; a false keep costs so many typical gains.
    Best(f64),
}

/// A name that no rule has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no rule; say greedy, deviations:2, score:2, steps:1.5, repeat:3, confirm, sprt:1.5, ours:bold, ours:standard, ours:strict or best:0.5"
)]
pub struct UnknownRule(String);

impl Rule {
    /// What is compared unless somebody chooses.
    pub const ALL: [Rule; 13] = [
        Rule::Greedy,
        Rule::Deviations(2.0),
        Rule::Score(2.0),
        Rule::Steps(1.5),
        Rule::Repeat(3),
        Rule::Confirm,
        Rule::Sprt(1.5),
        Rule::Ours(Mode::Bold),
        Rule::Ours(Mode::Standard),
        Rule::Ours(Mode::Strict),
        Rule::Best(0.0),
        Rule::Best(0.5),
        Rule::Best(1.0),
    ];

    /// As a user names it, and as narrow tables do; [`Rule::of`] reads it.
    pub fn id(self) -> String {
        match self {
            Rule::Greedy => "greedy".into(),
            Rule::Deviations(k) => format!("deviations:{k}"),
            Rule::Score(k) => format!("score:{k}"),
            Rule::Steps(k) => format!("steps:{k}"),
            Rule::Repeat(n) => format!("repeat:{n}"),
            Rule::Confirm => "confirm".into(),
            Rule::Sprt(k) => format!("sprt:{k}"),
            Rule::Ours(mode) => format!("ours:{}", mode.name()),
            Rule::Best(fine) => format!("best:{fine}"),
        }
    }

    /// By its name; the number after the colon has a default.
    ///
    /// # Errors
    /// When there is no such rule.
    pub fn of(name: &str) -> Result<Rule, UnknownRule> {
        let unknown = || UnknownRule(name.to_owned());
        let (word, rest) = match name.split_once(':') {
            Some((word, rest)) => (word, Some(rest)),
            None => (name, None),
        };
        let number = |default: f64| match rest {
            None => Ok(default),
            Some(rest) => rest
                .parse::<f64>()
                .ok()
                .filter(|number| (0.0..=100.0).contains(number))
                .ok_or_else(unknown),
        };
        match (word, rest) {
            ("greedy", None) => Ok(Rule::Greedy),
            ("deviations", _) => Ok(Rule::Deviations(number(2.0)?)),
            ("score", _) => Ok(Rule::Score(number(2.0)?)),
            ("steps", _) => Ok(Rule::Steps(number(1.5)?)),
            ("repeat", None) => Ok(Rule::Repeat(3)),
            ("repeat", Some(runs)) => {
                let runs = runs.parse().ok().filter(|runs| (1..=100).contains(runs));
                runs.map(Rule::Repeat).ok_or_else(unknown)
            }
            ("confirm", None) => Ok(Rule::Confirm),
            // Between no gain and none there is nothing to test.
            ("sprt", _) => match number(1.5)? {
                0.0 => Err(unknown()),
                gain => Ok(Rule::Sprt(gain)),
            },
            ("ours", mode) => {
                let named = mode.unwrap_or("standard");
                let mode = Mode::ALL.into_iter().find(|mode| mode.name() == named);
                mode.map(Rule::Ours).ok_or_else(unknown)
            }
            ("best", _) => Ok(Rule::Best(number(0.5)?)),
            _ => Err(unknown()),
        }
    }

    /// In words.
    pub fn name(self) -> String {
        match self {
            Rule::Greedy => "greedy (Karpathy and most others)".into(),
            Rule::Deviations(k) => format!("{k} standard deviations of three baselines"),
            Rule::Score(k) => format!("{k} MAD (pi-autoresearch's score as a rule)"),
            Rule::Steps(k) => format!("{k} deviations of kept steps (autojudge 1.0.1)"),
            Rule::Repeat(n) => format!("always {n} runs"),
            Rule::Confirm => "one re-run of every apparent winner".into(),
            Rule::Sprt(k) => format!("SPRT, no gain against {k} standard deviations"),
            Rule::Ours(mode) => format!("**ours, {}**", mode.name()),
            Rule::Best(0.0) => "best possible, for gain alone".into(),
            Rule::Best(1.0) => "best possible, a false keep costs a gain".into(),
            Rule::Best(fine) => format!("best possible, a false keep costs {fine} gains"),
        }
    }

    /// Whether it judges rounds of several candidates. Our state machine runs
    /// one experiment at a time.
    pub fn has_slots(self) -> bool {
        !matches!(self, Rule::Ours(_))
    }

    /// What it needs to know of a world beforehand.
    pub(crate) fn prepared(self, nu: f64) -> Prepared {
        let boundary = match self {
            Rule::Best(fine) if nu > 0.0 => Some(Boundary::at(nu, 0.0, fine)),
            _ => None,
        };
        Prepared { rule: self, boundary }
    }
}

/// A rule that is ready for sessions of one noise.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    rule: Rule,
    boundary: Option<Boundary>,
}

impl Prepared {
    /// Plays a session to its end.
    pub(crate) fn play(&self, session: Session, slots: Slots) -> Outcome {
        match self.rule {
            Rule::Greedy => rounds(session, slots, 1, peers::Greedy),
            Rule::Deviations(k) => rounds(session, slots, 3, peers::Deviations(k)),
            Rule::Score(k) => rounds(session, slots, 1, peers::Score::new(k)),
            Rule::Steps(k) => rounds(session, slots, 1, peers::Steps::new(k)),
            Rule::Repeat(runs) => rounds(session, slots, runs, peers::Repeat(runs)),
            Rule::Confirm => rounds(session, slots, 1, peers::Confirm),
            Rule::Sprt(gain) => rounds(session, slots, 3, peers::Sprt::new(gain)),
            Rule::Ours(mode) => ours::play(session, mode),
            // Who knows what everything is worth loses nothing to slots.
            Rule::Best(_) => best::play(session, self.boundary.as_ref()),
        }
    }
}
