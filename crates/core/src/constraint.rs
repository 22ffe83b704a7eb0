//! What a candidate must hold to beside its metric: `peak_mem_gb <= 40`,
//! `tests.passed == tests.total`. A candidate that breaks one is discarded,
//! however good its metric is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::comparison::{self, Comparison};
use crate::metric::significant;
use crate::trial::Trial;
use crate::units::Bytes;

/// Seconds that the run took, as the engine measured them.
pub const WALL_SECONDS: &str = "wall_seconds";
/// CPU seconds of all of the run's processes, as the engine measured them.
pub const CPU_SECONDS: &str = "cpu_seconds";
/// Highest memory of the run's processes in GiB, as the engine measured it.
pub const PEAK_MEMORY_GB: &str = "peak_memory_gb";

/// A condition on the numbers of one trial. Written as text, in configuration
/// and in events.
///
/// A name is what the engine measured ([`WALL_SECONDS`], [`CPU_SECONDS`],
/// [`PEAK_MEMORY_GB`]: these win, since output can be forged), the metric, or
/// any other number that was reported. Numbers are compared exactly, in the
/// unit in which they were reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    name: String,
    comparison: Comparison,
    bound: Bound,
}

/// What stands on the right.
#[derive(Clone, Debug, PartialEq)]
enum Bound {
    /// Finite.
    Number(f64),
    Name(String),
}

/// A text that is no constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadConstraint {
    /// It is not a name, a sign, and a number or a name.
    #[error(
        "'{text}' is no constraint: write one as 'peak_mem_gb <= 40' or 'tests.passed == tests.total', with one of < <= > >= == !="
    )]
    Form {
        /// The constraint.
        text: String,
    },
    /// What stands on the right begins like a number and is none.
    #[error(
        "'{value}' in the constraint '{text}' is no number: write it as the run reports it, without a unit, as 40 or 1e-3"
    )]
    Number {
        /// The constraint.
        text: String,
        /// What stands in the number's place.
        value: String,
    },
}

impl Constraint {
    /// The names that it asks for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let bound = match &self.bound {
            Bound::Number(_) => None,
            Bound::Name(name) => Some(name.as_str()),
        };
        std::iter::once(self.name.as_str()).chain(bound)
    }

    /// How `trial` breaks it, in words; `None` when it holds. A number that was
    /// not reported breaks it. `metric` is the name of the metric.
    pub fn breach(&self, trial: &Trial, metric: &str) -> Option<String> {
        let found = |name: &str| {
            value_of(name, trial, metric).ok_or_else(|| format!("`{name}` was not reported"))
        };
        let (left, right) = match (found(&self.name), &self.bound) {
            (Ok(left), Bound::Number(number)) => (left, Ok(*number)),
            (Ok(left), Bound::Name(name)) => (left, found(name)),
            (Err(why), _) => (f64::NAN, Err(why)),
        };
        let why = match (right, &self.bound) {
            (Ok(right), _) if self.comparison.holds(left, right) => return None,
            (Ok(_), Bound::Number(_)) => shown(left),
            (Ok(right), Bound::Name(_)) => format!("{} and {}", shown(left), shown(right)),
            (Err(why), _) => why,
        };
        Some(format!("`{self}` is broken: {why}"))
    }
}

/// What the engine measured wins over what was reported under the same name.
fn value_of(name: &str, trial: &Trial, metric: &str) -> Option<f64> {
    match name {
        WALL_SECONDS => Some(trial.usage.wall_seconds),
        CPU_SECONDS => Some(trial.usage.cpu_seconds),
        // 0 is unknown.
        PEAK_MEMORY_GB => Some(trial.usage.peak_memory).filter(|b| b.0 > 0).map(Bytes::gib),
        _ if name == metric => trial.metric,
        _ => trial.secondary.get(name).copied(),
    }
}

fn shown(value: f64) -> String {
    significant(value, 8)
}

impl FromStr for Constraint {
    type Err = BadConstraint;

    fn from_str(text: &str) -> Result<Constraint, BadConstraint> {
        let text = text.trim();
        let bad_form = || BadConstraint::Form { text: text.to_owned() };
        let (name, comparison, value) = comparison::split(text).ok_or_else(bad_form)?;
        if name.parse::<f64>().is_ok() || text.contains(char::is_control) {
            return Err(bad_form());
        }
        let bound = match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Bound::Number(number),
            Err(_) if value.starts_with(char::is_alphabetic) || value.starts_with('_') => {
                Bound::Name(value.to_owned())
            }
            _ => {
                return Err(BadConstraint::Number {
                    text: text.to_owned(),
                    value: value.to_owned(),
                });
            }
        };
        Ok(Constraint { name: name.to_owned(), comparison, bound })
    }
}

impl TryFrom<String> for Constraint {
    type Error = BadConstraint;

    fn try_from(text: String) -> Result<Constraint, BadConstraint> {
        text.parse()
    }
}

impl From<Constraint> for String {
    fn from(constraint: Constraint) -> String {
        constraint.to_string()
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.name, self.comparison)?;
        match &self.bound {
            Bound::Number(number) => write!(f, "{number}"),
            Bound::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trial::Exit;

    fn constraint(text: &str) -> Constraint {
        text.parse().unwrap()
    }

    fn trial(reported: &[(&str, f64)]) -> Trial {
        let secondary = reported.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Trial { metric: Some(0.5), secondary, ..Trial::ended(0, Exit::Code(0)) }
    }

    #[track_caller]
    fn breach(text: &str, reported: &[(&str, f64)]) -> Option<String> {
        constraint(text).breach(&trial(reported), "loss")
    }

    #[test]
    fn a_broken_constraint_says_what_it_found() {
        assert_eq!(
            breach("peak_mem_gb <= 40", &[("peak_mem_gb", 43.2)]).unwrap(),
            "`peak_mem_gb <= 40` is broken: 43.2"
        );
        assert_eq!(
            breach("passed==total", &[("passed", 41.0), ("total", 42.0)]).unwrap(),
            "`passed == total` is broken: 41 and 42"
        );
        assert_eq!(breach("peak_mem_gb <= 40", &[("peak_mem_gb", 40.0)]), None);
        assert_eq!(breach("passed == total", &[("passed", 42.0), ("total", 42.0)]), None);
        assert_eq!(breach("errors != 1", &[("errors", 0.0)]), None);
    }

    #[test]
    fn what_was_not_reported_breaks_it_on_either_side_and_whatever_the_sign() {
        let expected = "`a == b` is broken: `a` was not reported";
        assert_eq!(breach("a == b", &[("b", 1.0)]).unwrap(), expected);
        assert!(breach("a == b", &[("a", 1.0)]).unwrap().ends_with("`b` was not reported"));
        assert!(breach("a != 3", &[]).is_some() && breach("a != b", &[]).is_some());
        let crashed = Trial { metric: None, ..trial(&[]) };
        assert!(constraint("loss <= 1").breach(&crashed, "loss").is_some());
    }

    #[test]
    fn the_metric_goes_by_its_name() {
        assert_eq!(breach("loss <= 0.5", &[("loss", 9.0)]), None);
        assert_eq!(breach("loss > 0.5", &[]).unwrap(), "`loss > 0.5` is broken: 0.5");
        assert_eq!(breach("floor <= loss", &[("floor", 0.1)]), None);
    }

    #[test]
    fn what_the_engine_measured_wins_over_what_the_run_says() {
        let mut trial = trial(&[(WALL_SECONDS, 1.0), (CPU_SECONDS, 1.0), (PEAK_MEMORY_GB, 1.0)]);
        trial.usage.wall_seconds = 90.0;
        trial.usage.cpu_seconds = 80.0;
        let breach = |text: &str, trial: &Trial| constraint(text).breach(trial, WALL_SECONDS);
        assert!(breach("wall_seconds <= 60", &trial).unwrap().ends_with(": 90"));
        assert!(breach("cpu_seconds <= 60", &trial).unwrap().ends_with(": 80"));
        assert!(breach("peak_memory_gb <= 2", &trial).unwrap().ends_with("not reported"));
        trial.usage.peak_memory = Bytes(3 << 30);
        assert!(breach("peak_memory_gb <= 2", &trial).unwrap().ends_with(": 3"));
        assert_eq!(breach("peak_memory_gb <= 3", &trial), None);
    }

    #[test]
    fn a_bad_constraint_says_what_to_write() {
        for (text, hint) in [
            ("", "write one as"),
            ("peak_mem_gb", "write one as"),
            ("peak_mem_gb = 40", "write one as"),
            ("peak_mem_gb <=", "write one as"),
            ("<= 40", "write one as"),
            ("40 >= peak_mem_gb", "write one as"),
            ("a\nb <= 3", "write one as"),
            ("peak_mem_gb <= 40GB", "'40GB'"),
            ("accuracy >= 90%", "'90%'"),
            ("accuracy >= nan", "'nan'"),
            ("accuracy >= -inf", "'-inf'"),
            ("accuracy >= 1e999", "'1e999'"),
            ("accuracy >= 0.9 baseline", "'0.9 baseline'"),
        ] {
            let error = text.parse::<Constraint>().unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn names_may_have_spaces_and_the_asked_for_are_told() {
        let constraint = constraint("Test accuracy >= base/accuracy (%)");
        assert_eq!(constraint.names().collect::<Vec<_>>(), ["Test accuracy", "base/accuracy (%)"]);
        assert_eq!(self::constraint("a < 1").names().collect::<Vec<_>>(), ["a"]);
    }

    fn any_constraint() -> impl Strategy<Value = Constraint> {
        let name = || {
            "[a-z][a-z_/@. -]{0,12}[a-z]"
                .prop_filter("no number", |name| name.parse::<f64>().is_err())
        };
        let finite = any::<f64>().prop_filter("finite", |value| value.is_finite());
        let comparison = proptest::sample::select(vec![
            Comparison::Less,
            Comparison::AtMost,
            Comparison::Greater,
            Comparison::AtLeast,
            Comparison::Equal,
            Comparison::Unequal,
        ]);
        let bound = prop_oneof![finite.prop_map(Bound::Number), name().prop_map(Bound::Name)];
        (name(), comparison, bound).prop_map(|(name, comparison, bound)| Constraint {
            name,
            comparison,
            bound,
        })
    }

    proptest! {
        #[test]
        fn a_printed_constraint_reads_back(constraint in any_constraint()) {
            prop_assert_eq!(constraint.to_string().parse::<Constraint>(), Ok(constraint.clone()));
            let json = serde_json::to_string(&constraint).unwrap();
            prop_assert_eq!(serde_json::from_str::<Constraint>(&json).unwrap(), constraint);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}", signs in "[<>=!% 0-9a-z.é-]{0,20}") {
            let _ = text.parse::<Constraint>();
            let _ = signs.parse::<Constraint>();
        }

        #[test]
        fn it_holds_exactly_when_the_numbers_compare(left in -9_i8..9, right in -9_i8..9, sign in 0_usize..6) {
            let (sign, expected) = [
                ("<", left < right), ("<=", left <= right), (">", left > right),
                (">=", left >= right), ("==", left == right), ("!=", left != right),
            ][sign];
            let (left, right) = (f64::from(left), f64::from(right));
            let reported = [("a", left), ("b", right)];
            prop_assert_eq!(breach(&format!("a {sign} {right}"), &reported).is_none(), expected);
            prop_assert_eq!(breach(&format!("a {sign} b"), &reported).is_none(), expected);
        }
    }
}
