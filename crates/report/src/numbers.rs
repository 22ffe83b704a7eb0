//! Numbers as a table wants them: one number of decimals for all of its values,
//! enough of them to see the smallest change.

use std::time::Duration;

use autoresearch_core::metric::significant;
use autoresearch_core::units::human_duration;

/// How the values of one table are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// This many decimals.
    Fixed(usize),
    /// This many significant digits, with an exponent.
    Scientific(usize),
}

impl Precision {
    /// At least four significant digits of the largest value and two of the
    /// smallest change, at most seven of the largest value; whole numbers stay
    /// whole. What is not finite is left out.
    pub(crate) fn of(
        values: impl IntoIterator<Item = f64>,
        changes: impl IntoIterator<Item = f64>,
    ) -> Precision {
        let mut whole = true;
        let mut largest = 0.0_f64;
        for value in values.into_iter().filter(|v| v.is_finite()) {
            whole &= value.fract() == 0.0;
            largest = largest.max(value.abs());
        }
        let mut smallest = f64::INFINITY;
        for change in changes.into_iter().map(f64::abs).filter(|c| c.is_finite() && *c > 0.0) {
            whole &= change.fract() == 0.0;
            smallest = smallest.min(change);
        }
        if largest > 0.0 && !(1e-4..1e9).contains(&largest) {
            return Precision::Scientific(4);
        }
        if whole {
            return Precision::Fixed(0);
        }
        let first = if largest > 0.0 { magnitude(largest) } else { 0 };
        let for_change = if smallest.is_finite() { 1 - magnitude(smallest) } else { 0 };
        let decimals = (3 - first).max(for_change).clamp(0, (6 - first).max(0));
        Precision::Fixed(usize::try_from(decimals).unwrap_or(0))
    }

    /// A value of the table.
    pub(crate) fn value(self, value: f64) -> String {
        match self {
            Precision::Fixed(decimals) if value.abs() < 1e15 => format!("{value:.decimals$}"),
            Precision::Fixed(_) => significant(value, 4),
            Precision::Scientific(digits) => significant(value, digits),
        }
    }

    /// A difference of two values with its sign; never rounded to zero.
    pub(crate) fn signed(self, change: f64) -> String {
        // The difference of two huge numbers may overflow.
        let change = change.clamp(f64::MIN, f64::MAX);
        if change == 0.0 {
            return "0".to_owned();
        }
        let sign = if change < 0.0 { '-' } else { '+' };
        format!("{sign}{}", self.size(change))
    }

    /// A difference of two values without its sign; never rounded to zero.
    pub(crate) fn size(self, change: f64) -> String {
        let text = self.value(change.abs());
        let is_lost = change != 0.0 && !text.contains(|c: char| ('1'..='9').contains(&c));
        if is_lost { significant(change.abs(), 2) } else { text }
    }
}

/// The exponent of the first digit of a positive number.
#[expect(clippy::cast_possible_truncation, reason = "exponents of floats are within 1100")]
fn magnitude(value: f64) -> i32 {
    value.log10().floor() as i32
}

/// `change` in percent of `base` with its sign; `None` where that says nothing.
pub(crate) fn percent(change: f64, base: f64) -> Option<String> {
    let percent = change / base.abs() * 100.0;
    if !percent.is_finite() {
        return None;
    }
    let size = percent.abs();
    let text = if size >= 1e5 {
        significant(size, 2)
    } else if size >= 99.5 {
        format!("{size:.0}")
    } else if size >= 0.1 || size == 0.0 {
        format!("{size:.1}")
    } else {
        significant(size, 1)
    };
    let sign = if percent < 0.0 { "-" } else { "+" };
    Some(format!("{sign}{text}%"))
}

/// `0:34`, `5:00`, `1:02:03`.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// Seconds as people say them; nothing for what is no length of time.
pub(crate) fn seconds(seconds: f64) -> Option<String> {
    Duration::try_from_secs_f64(seconds).ok().map(human_duration)
}

/// `1 experiment`, `2 experiments`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number)) }
}

/// With commas between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_decimals_show_the_smallest_change() {
        for (values, changes, expected) in [
            (&[0.9979, 0.9821][..], &[0.0158][..], Precision::Fixed(4)),
            (&[0.9979, 0.9978][..], &[0.000_01][..], Precision::Fixed(6)),
            (&[123.0, 120.0][..], &[3.0][..], Precision::Fixed(0)),
            (&[123.25][..], &[][..], Precision::Fixed(1)),
            (&[0.0][..], &[][..], Precision::Fixed(0)),
            (&[3e-7][..], &[][..], Precision::Scientific(4)),
            (&[f64::NAN, 1.5][..], &[f64::INFINITY][..], Precision::Fixed(3)),
        ] {
            assert_eq!(Precision::of(values.to_vec(), changes.to_vec()), expected, "{values:?}");
        }
    }

    #[test]
    fn a_change_is_never_rounded_to_nothing() {
        assert_eq!(Precision::Fixed(4).signed(-0.0158), "-0.0158");
        assert_eq!(Precision::Fixed(4).signed(3e-8), "+3.0e-8");
        assert_eq!(Precision::Fixed(4).signed(0.0), "0");
    }

    #[test]
    fn percentages_keep_one_digit_that_matters() {
        assert_eq!(percent(-0.0158, 0.9979).as_deref(), Some("-1.6%"));
        assert_eq!(percent(0.0004, -1.0).as_deref(), Some("+0.04%"));
        assert_eq!(percent(12.0, 1.0).as_deref(), Some("+1200%"));
        assert_eq!(percent(1.0, 0.0), None);
    }

    #[test]
    fn clocks_and_counts_read_as_people_write_them() {
        assert_eq!(clock(Duration::from_secs(34)), "0:34");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(count(1, "crash"), "1 crash");
    }

    proptest! {
        #[test]
        fn any_number_is_written_within_bounds(value: f64, change: f64) {
            let precision = Precision::of([value], [change]);
            prop_assert!(precision.value(value).len() < 40);
            prop_assert!(precision.signed(change).len() < 40);
            let _ = (percent(change, value), seconds(value));
        }
    }
}
