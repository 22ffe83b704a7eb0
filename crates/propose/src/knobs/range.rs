//! From what a setting means and holds to the values worth trying.

use autoresearch_core::proposal::Value;

use super::as_float;
use super::collect::Place;
use super::literal::Style;
use super::words::Meaning;
use autoresearch_core::space::Domain;

/// What the range depends on beside the value.
pub(super) struct Setting<'a> {
    pub(super) meaning: Meaning,
    pub(super) style: &'a Style,
    /// Whether a number may be of any kind although it is written as a whole
    /// one: by its annotation, `type=float`, or its meaning.
    pub(super) real: bool,
    pub(super) place: Place,
    /// Whether a batch that a device must hold, which divides the whole one.
    pub(super) per_device: bool,
}

/// The domain of a setting; `None` where there is nothing sensible to try.
pub(super) fn domain(setting: &Setting<'_>, current: &Value) -> Option<Domain> {
    match current {
        Value::Bool(_) => {
            let searched = setting.meaning == Meaning::Switch
                || (setting.meaning == Meaning::Unknown && setting.place == Place::Setting);
            searched
                .then(|| Domain::Choice { options: vec![Value::Bool(false), Value::Bool(true)] })
        }
        Value::Text(_) => None,
        Value::Int(value) if !is_real(setting, *value) => whole(setting, *value),
        Value::Int(_) | Value::Float(_) => real(setting, as_float(current)?),
    }
}

/// Whether an integer literal may become `0.5`.
fn is_real(setting: &Setting<'_>, value: i64) -> bool {
    setting.real
        || (matches!(setting.meaning, Meaning::Fraction | Meaning::Dropout) && value == 0)
        || matches!(
            setting.meaning,
            Meaning::LearningRate
                | Meaning::Tolerance
                | Meaning::Decay
                | Meaning::Rate
                | Meaning::NearOne
        )
}

fn real(setting: &Setting<'_>, value: f64) -> Option<Domain> {
    let log = |low: f64, high: f64| Domain::Float {
        low: tidy(low).min(value),
        high: tidy(high).max(value),
        log: true,
    };
    let linear = |low: f64, high: f64| Domain::Float {
        low: tidy(low).min(value),
        high: tidy(high).max(value),
        log: false,
    };
    let fraction = (0.0..=1.0).contains(&value);
    let positive = value > 0.0;
    match setting.meaning {
        Meaning::Never | Meaning::Switch => None,
        // An exponential decay per step or a discount, not a penalty.
        Meaning::Decay | Meaning::Rate if (0.8..1.0).contains(&value) => Some(linear(0.5, 0.999)),
        Meaning::Decay | Meaning::Rate if value == 0.0 => Some(linear(0.0, 0.3)),
        Meaning::LearningRate | Meaning::Decay if positive => {
            Some(log(value / 100.0, (value * 100.0).min((value * 10.0).max(1.0))))
        }
        Meaning::Tolerance if positive => Some(log((value / 100.0).min(1e-5), 0.1)),
        Meaning::Rate if positive => Some(log(value / 100.0, value * 100.0)),
        Meaning::NearOne if fraction && value >= 0.5 => {
            Some(linear(0.5, if value > 0.999 { 0.9999 } else { 0.999 }))
        }
        Meaning::NearOne if fraction => Some(linear(0.0, 0.95)),
        Meaning::Dropout if fraction => Some(linear(0.0, 0.7)),
        Meaning::Fraction if value == 0.0 => Some(linear(0.0, 0.5)),
        Meaning::Fraction if fraction && value >= 1.0 => Some(linear(0.1, 1.0)),
        Meaning::Fraction if fraction => {
            Some(linear(f64::min(0.05, value / 2.0), f64::max(0.95, f64::midpoint(1.0, value))))
        }
        Meaning::Unknown if !setting.place.is_for_settings() => None,
        _ if positive => Some(log(value / 10.0, value * 10.0)),
        _ if value < 0.0 => Some(linear(value * 4.0, value / 4.0)),
        _ => None,
    }
}

fn whole(setting: &Setting<'_>, value: i64) -> Option<Domain> {
    if !(1..=1 << 50).contains(&value) {
        return None;
    }
    let power_of_two = value.count_ones() == 1;
    let powers = || {
        let options = (-3..=3).filter_map(|step: i32| {
            let option = if step < 0 { value >> -step } else { value << step };
            (option >= 1).then_some(Value::Int(option))
        });
        Some(Domain::Choice { options: options.collect() })
    };
    match (setting.meaning, setting.style) {
        (Meaning::Never | Meaning::Switch, _) => None,
        (Meaning::Unknown, _) if !setting.place.is_for_settings() => None,
        (_, Style::Power { .. }) if power_of_two => powers(),
        (_, Style::Product { unit, .. }) if value > *unit => {
            let count = value / unit;
            Some(Domain::Int {
                low: (count / 8).max(1) * unit,
                high: count * 8 * unit,
                log: true,
                multiple_of: *unit,
            })
        }
        (Meaning::Size, _) if power_of_two && setting.per_device => powers(),
        (Meaning::Kernel, _) if value % 2 == 1 && value <= 7 => {
            Some(Domain::Choice { options: [1, 3, 5, 7].map(Value::Int).to_vec() })
        }
        (Meaning::Heads, _) => {
            let divisors =
                (1..=value * 4).filter(|option| value * 4 % option == 0 && option * 4 >= value);
            (value <= 256).then(|| Domain::Choice { options: divisors.map(Value::Int).collect() })
        }
        (Meaning::Size | Meaning::Kernel, _) => Some(multiples(value, 8)),
        (_, _) if value <= 20 => {
            Some(Domain::Int { low: 1, high: value * 4, log: false, multiple_of: 1 })
        }
        _ => Some(multiples(value, 4)),
    }
}

/// From a factor below to a factor above, in multiples that divide the current
/// value and leave some hundred values to choose from.
fn multiples(value: i64, factor: i64) -> Domain {
    let multiple_of = [64, 32, 16, 10, 8, 4, 2]
        .into_iter()
        .find(|unit| value % unit == 0 && value / unit >= 8)
        .unwrap_or(1);
    let low = (value / factor / multiple_of).max(1) * multiple_of;
    Domain::Int { low, high: value.saturating_mul(factor), log: true, multiple_of }
}

/// The domain with its multiple such that `heads` divides every value, where
/// it divides the current one.
pub(super) fn divisible_by(heads: i64, domain: Domain, current: i64) -> Domain {
    match domain {
        Domain::Int { low, high, log, multiple_of } if heads > 1 && current % heads == 0 => {
            let common = multiple_of / gcd(multiple_of, heads) * heads;
            if current % common == 0 {
                let low = (low / common).max(1) * common;
                Domain::Int { low, high: high / common * common, log, multiple_of: common }
            } else {
                Domain::Int { low, high, log, multiple_of }
            }
        }
        other => other,
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// To three significant digits, or two behind the nines: what a person would
/// write for 0.0031234567 or 0.99873.
pub(super) fn tidy(value: f64) -> f64 {
    let gap = 1.0 - value;
    let text = if gap > 1e-12 && gap < 0.1 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 2 and 13"
        )]
        let decimals = (1.0 - gap.log10().floor()) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.2e}")
    };
    text.parse().unwrap_or(value)
}

/// The value as it will be written: tidied, inside the domain, a multiple.
pub(super) fn settled(value: &Value, domain: &Domain) -> Value {
    match (domain, value) {
        (Domain::Float { low, high, .. }, Value::Float(_) | Value::Int(_)) => match as_float(value)
        {
            Some(number) if number.is_finite() => {
                Value::Float(tidy(number).clamp(*low, high.max(*low)))
            }
            _ => value.clone(),
        },
        (Domain::Int { low, high, multiple_of, .. }, Value::Float(_) | Value::Int(_)) => {
            let Some(number) = as_float(value).filter(|number| number.is_finite()) else {
                return value.clone();
            };
            let unit = (*multiple_of).max(1);
            #[expect(clippy::cast_possible_truncation, reason = "clamped to 2^53 either side")]
            let steps = (number / unit as f64).round().clamp(-9e15, 9e15) as i64;
            Value::Int(steps.saturating_mul(unit).clamp(*low, (*high).max(*low)))
        }
        _ => value.clone(),
    }
}
