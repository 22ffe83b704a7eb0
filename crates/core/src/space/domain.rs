//! What one knob may be set to, and how a person would write it.

use crate::proposal::Value;

/// The values that a knob may take. A domain that offers fewer than two values
/// is legal; its knob is never changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// A real number in `low..=high`.
    Float {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// Whether ratios matter, not differences (rates). Ignored unless
        /// `low > 0`.
        log: bool,
    },
    /// An integer in `low..=high`.
    Int {
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
        /// Whether ratios matter, not differences (sizes). Ignored unless
        /// `low > 0`.
        log: bool,
        /// Only multiples of this are offered; below 1 counts as 1.
        multiple_of: i64,
    },
    /// One of these, in no order: constructs, switches, strings.
    Choice {
        /// The options; repetitions count once.
        options: Vec<Value>,
    },
}

/// A linear scale is offered in at most about this many steps.
const LINEAR_STEPS: u8 = 100;

impl Domain {
    /// Every value that is offered, ascending: what a person would write. Two
    /// significant digits on a log scale; a step of 1, 2 or 5 times a power of
    /// ten, about a hundredth of the range, on a linear one; multiples for
    /// integers. A range too narrow for that offers its two ends. Empty for an
    /// impossible range.
    pub fn values(&self) -> Vec<Value> {
        match self {
            Domain::Choice { options } => {
                let mut unique: Vec<Value> = Vec::with_capacity(options.len());
                for option in options {
                    if !unique.iter().any(|seen| same(seen, option)) {
                        unique.push(option.clone());
                    }
                }
                unique
            }
            Domain::Float { low, high, .. } => {
                let Some(ends) = self.ends() else {
                    return Vec::new();
                };
                let mut grid = if self.is_log() { two_digits(ends) } else { round_steps(ends) };
                if grid.len() < 2 {
                    grid = vec![*low, *high];
                    grid.dedup();
                }
                grid.into_iter().map(Value::Float).collect()
            }
            Domain::Int { low, high, multiple_of, .. } => {
                let Some(ends) = self.ends() else {
                    return Vec::new();
                };
                let multiple = (*multiple_of).max(1);
                let every = (ends.1 - ends.0) / multiple as f64;
                let mut grid: Vec<i64> = if every <= 2.0 * f64::from(LINEAR_STEPS) {
                    (0..=2 * i64::from(LINEAR_STEPS) + 1)
                        .filter_map(|i| {
                            low.div_euclid(multiple).checked_add(i)?.checked_mul(multiple)
                        })
                        .collect()
                } else {
                    let coarse = if self.is_log() { two_digits(ends) } else { round_steps(ends) };
                    coarse.into_iter().map(|v| nearest_multiple(v, multiple)).collect()
                };
                grid.retain(|v| (low..=high).contains(&v) && v % multiple == 0);
                grid.dedup();
                grid.into_iter().map(Value::Int).collect()
            }
        }
    }

    /// The offered value nearest to `value` on this domain's scale; an option
    /// stays as it is. `None` when nothing is offered or `value` is no number.
    pub fn snap(&self, value: &Value) -> Option<Value> {
        let values = self.values();
        if let Domain::Choice { .. } = self {
            return values.into_iter().find(|option| same(option, value));
        }
        let at = self.position(value)?;
        let distance = |v: &Value| self.position(v).map_or(f64::INFINITY, |p| (p - at).abs());
        values.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// Whether `value` lies in the domain (it need not be an offered one).
    pub fn contains(&self, value: &Value) -> bool {
        match self {
            Domain::Float { low, high, .. } => {
                number(value).is_some_and(|v| (*low..=*high).contains(&v))
            }
            Domain::Int { low, high, multiple_of, .. } => {
                matches!(value, Value::Int(v) if (low..=high).contains(&v) && v % (*multiple_of).max(1) == 0)
            }
            Domain::Choice { options } => options.iter().any(|option| same(option, value)),
        }
    }

    /// Place on the unit interval, clamped: linear or logarithmic. The number
    /// of the option for choices. `None` for what is no number or no option.
    pub(super) fn position(&self, value: &Value) -> Option<f64> {
        if let Domain::Choice { options } = self {
            return options.iter().position(|option| same(option, value)).map(|i| i as f64);
        }
        let (low, high) = self.ends()?;
        let value = number(value).filter(|v| !v.is_nan())?.clamp(low, high);
        let scale = |v: f64| if self.is_log() { v.ln() } else { v };
        let width = scale(high) - scale(low);
        Some(if width > 0.0 { ((scale(value) - scale(low)) / width).clamp(0.0, 1.0) } else { 0.0 })
    }

    /// Whether the scale is logarithmic and can be.
    fn is_log(&self) -> bool {
        match self {
            Domain::Float { low, log, .. } => *log && *low > 0.0,
            Domain::Int { low, log, .. } => *log && *low > 0,
            Domain::Choice { .. } => false,
        }
    }

    /// Ends of the numeric scale; `None` for choices and impossible ranges.
    fn ends(&self) -> Option<(f64, f64)> {
        let (low, high) = match self {
            Domain::Float { low, high, .. } => (*low, *high),
            Domain::Int { low, high, .. } => (*low as f64, *high as f64),
            Domain::Choice { .. } => return None,
        };
        (low <= high && (high - low).is_finite()).then_some((low, high))
    }
}

/// Whether two values are the same setting: `1` and `1.0` are.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    a == b || number(a).zip(number(b)).is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
}

/// The number that a value holds.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        Value::Bool(_) | Value::Text(_) => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "float to integer casts saturate")]
fn nearest_multiple(value: f64, multiple: i64) -> i64 {
    ((value / multiple as f64).round() as i64).saturating_mul(multiple)
}

/// `mantissa * 10^exponent` as the decimal literal would be read: an integer
/// divided by a power of ten up to 1e22 is rounded once, hence correctly.
fn decimal(mantissa: f64, exponent: i32) -> f64 {
    if exponent < 0 { mantissa / 10_f64.powi(-exponent) } else { mantissa * 10_f64.powi(exponent) }
}

/// The power of ten that a positive number starts with.
#[expect(clippy::cast_possible_truncation, reason = "exponents of floats lie within 400")]
fn decade(value: f64) -> i32 {
    value.log10().floor() as i32
}

/// Numbers of two significant digits in a range above zero; of one where the
/// range spans more than twenty decades.
fn two_digits((low, high): (f64, f64)) -> Vec<f64> {
    let first = decade(low);
    let last = decade(high);
    let stride = if last - first > 20 { 10 } else { 1 };
    (first..=last)
        .flat_map(|decade| {
            (10_u8..100).step_by(stride).map(move |m| decimal(f64::from(m), decade - 1))
        })
        .filter(|v| (low..=high).contains(v))
        .collect()
}

/// Multiples of a round step in a range.
fn round_steps((low, high): (f64, f64)) -> Vec<f64> {
    let wanted = (high - low) / f64::from(LINEAR_STEPS);
    if wanted <= 0.0 {
        return vec![low];
    }
    let exponent = decade(wanted);
    let factor = wanted / 10_f64.powi(exponent);
    // A hair of tolerance, for a wanted step of 0.01 is not quite 0.01.
    let (factor, exponent) = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|f| factor <= f * (1.0 + 1e-9))
        .map_or((1.0, exponent + 1), |f| (f, exponent));
    let step = decimal(factor, exponent);
    let start = (low / step).floor();
    (0..=LINEAR_STEPS + 2)
        .map(|i| decimal((start + f64::from(i)) * factor, exponent))
        .filter(|v| (low..=high).contains(v))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn floats(domain: &Domain) -> Vec<f64> {
        domain.values().iter().filter_map(number).collect()
    }

    #[test]
    fn rates_are_offered_as_a_person_writes_them() {
        let rate = Domain::Float { low: 1e-4, high: 1e-1, log: true };
        let values = floats(&rate);
        assert_eq!(values.len(), 271);
        assert!(values.contains(&0.003) && values.contains(&0.0062) && values.contains(&0.1));
        assert_eq!(rate.snap(&Value::Float(0.003_187_4)), Some(Value::Float(0.0032)));
        assert_eq!(rate.snap(&Value::Int(7)), Some(Value::Float(0.1)));
        assert_eq!(rate.snap(&Value::Text("fast".into())), None);
    }

    #[test]
    fn fractions_are_offered_in_hundredths() {
        let values = floats(&Domain::Float { low: 0.0, high: 1.0, log: false });
        assert_eq!(values.len(), 101);
        assert!(values.contains(&0.3) && values.contains(&0.07), "{values:?}");
    }

    #[test]
    fn sizes_are_multiples() {
        let width = Domain::Int { low: 16, high: 100, log: true, multiple_of: 16 };
        assert_eq!(width.values(), [16, 32, 48, 64, 80, 96].map(Value::Int));
        assert!(width.contains(&Value::Int(48)) && !width.contains(&Value::Int(50)));
        let count = Domain::Int { low: 1, high: 1_000_000, log: true, multiple_of: 1 };
        assert!(count.values().len() < 1000);
        assert_eq!(count.snap(&Value::Int(123_456)), Some(Value::Int(120_000)));
    }

    #[test]
    fn impossible_ranges_offer_nothing() {
        for (low, high) in [(2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (f64::MIN, f64::MAX)]
        {
            assert!(floats(&Domain::Float { low, high, log: false }).is_empty(), "{low} {high}");
        }
        assert!(Domain::Int { low: 5, high: 6, log: false, multiple_of: 4 }.values().is_empty());
        assert!(Domain::Choice { options: vec![] }.values().is_empty());
        assert_eq!(Domain::Float { low: 3.0, high: 3.0, log: true }.values().len(), 1);
    }

    proptest! {
        #[test]
        fn every_offered_value_lies_in_the_domain(
            low in prop::num::f64::ANY, high in prop::num::f64::ANY, log: bool,
            from: i64, to: i64, multiple_of: i64,
        ) {
            let float = Domain::Float { low, high, log };
            let int = Domain::Int { low: from, high: to, log, multiple_of };
            for domain in [float, int] {
                let values = domain.values();
                prop_assert!(values.len() < 12_000);
                prop_assert!(values.iter().all(|v| domain.contains(v)), "{domain:?}");
                prop_assert!(values.is_sorted_by(|a, b| number(a) < number(b)), "{domain:?}");
                for value in values.iter().take(3) {
                    let at = domain.position(value);
                    prop_assert!(at.is_some_and(|p| (0.0..=1.0).contains(&p)), "{domain:?} {at:?}");
                }
            }
        }
    }
}
