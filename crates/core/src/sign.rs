//! How two numbers compare, as rules and constraints write it.

use std::fmt;

/// A sign between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
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
const ALL: [Sign; 6] =
    [Sign::AtMost, Sign::AtLeast, Sign::Equal, Sign::Unequal, Sign::Less, Sign::Greater];

impl Sign {
    /// Whether it holds between two numbers, exactly; what is not a number is
    /// only unequal.
    #[expect(clippy::float_cmp, reason = "equal means equal: counts are compared, as 41 of 41")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Sign::Less => left < right,
            Sign::AtMost => left <= right,
            Sign::Greater => left > right,
            Sign::AtLeast => left >= right,
            Sign::Equal => left == right,
            Sign::Unequal => left != right,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Sign::Less => "<",
            Sign::AtMost => "<=",
            Sign::Greater => ">",
            Sign::AtLeast => ">=",
            Sign::Equal => "==",
            Sign::Unequal => "!=",
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}

/// Takes `left <= right` apart at its last sign, since a metric's name may hold
/// one. `None` where there is no sign or nothing on one side of it.
pub(crate) fn split(text: &str) -> Option<(&str, Sign, &str)> {
    let last = text.rfind(['<', '>', '='])?;
    let start = last - usize::from(text[..last].ends_with(['<', '>', '=', '!']));
    let sign = ALL.into_iter().find(|sign| sign.sign() == &text[start..=last])?;
    let (left, right) = (text[..start].trim(), text[last + 1..].trim());
    (!left.is_empty() && !right.is_empty()).then_some((left, sign, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_read_as_it_is_written() {
        for sign in ALL {
            let text = format!("a {sign} 1");
            assert_eq!(split(&text), Some(("a", sign, "1")), "{text}");
        }
        assert_eq!(split("p<0.05<3"), Some(("p<0.05", Sign::Less, "3")));
        for text in ["", "=", "<", "a = 1", "a =< 1", "a => 1", "a <", "<= 1", "é≤1", "!= 1"] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_number_only_differs() {
        for sign in ALL {
            let is_unequal = sign == Sign::Unequal;
            assert_eq!(sign.holds(f64::NAN, 1.0), is_unequal, "{sign}");
        }
        assert!(Sign::Equal.holds(41.0, 41.0) && !Sign::Equal.holds(41.0, 42.0));
    }
}
