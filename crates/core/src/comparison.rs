//! How two numbers compare, as rules and constraints write it.

use std::fmt;

/// A sign between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

/// All of them.
const ALL: [Comparison; 6] = [
    Comparison::AtMost,
    Comparison::AtLeast,
    Comparison::Equal,
    Comparison::Unequal,
    Comparison::Less,
    Comparison::Greater,
];

impl Comparison {
    /// Whether it holds between two numbers, exactly; what is not a number is
    /// only unequal.
    #[expect(clippy::float_cmp, reason = "equal means equal: counts are compared, as 41 of 41")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
            Comparison::Greater => left > right,
            Comparison::AtLeast => left >= right,
            Comparison::Equal => left == right,
            Comparison::Unequal => left != right,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
            Comparison::Equal => "==",
            Comparison::Unequal => "!=",
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}

/// Takes `left <= right` apart at its last sign, since a metric's name may hold
/// one. `None` where there is no sign or nothing on one side of it.
pub(crate) fn split(text: &str) -> Option<(&str, Comparison, &str)> {
    let last = text.rfind(['<', '>', '='])?;
    let start = last - usize::from(text[..last].ends_with(['<', '>', '=', '!']));
    let comparison = ALL.into_iter().find(|comparison| comparison.sign() == &text[start..=last])?;
    let (left, right) = (text[..start].trim(), text[last + 1..].trim());
    (!left.is_empty() && !right.is_empty()).then_some((left, comparison, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_read_as_it_is_written() {
        for comparison in ALL {
            let text = format!("a {comparison} 1");
            assert_eq!(split(&text), Some(("a", comparison, "1")), "{text}");
        }
        assert_eq!(split("p<0.05<3"), Some(("p<0.05", Comparison::Less, "3")));
        for text in ["", "=", "<", "a = 1", "a =< 1", "a => 1", "a <", "<= 1", "é≤1", "!= 1"] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_number_only_differs() {
        for comparison in ALL {
            let is_unequal = comparison == Comparison::Unequal;
            assert_eq!(comparison.holds(f64::NAN, 1.0), is_unequal, "{comparison}");
        }
        assert!(Comparison::Equal.holds(41.0, 41.0) && !Comparison::Equal.holds(41.0, 42.0));
    }
}
