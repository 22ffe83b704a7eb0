//! What a person says about a knob: `# search: 1e-4..1e-1 log` beside it or on
//! the line above, or the same words in the config.

use autoresearch_core::proposal::Value;

use autoresearch_core::space::Domain;

/// A range, a list or `off`, as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// `off`: never touch it.
    Off,
    /// `1e-4..1e-1 log`, `64..1024 log step 64`.
    Range {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// Whether steps are factors.
        log: bool,
        /// `step`: multiples of this; 1 where nothing is said.
        step: i64,
        /// Whether both ends were written as whole numbers.
        whole: bool,
    },
    /// `16, 32, 64` or `relu, gelu`.
    Choice(Vec<Value>),
}

/// Why words about a knob are not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{spec}` is no search range: write `1e-4..1e-1 log`, `8..64 step 8`, `16, 32, 64` or `off`"
)]
pub struct SpecError {
    /// The words.
    pub spec: String,
}

impl Spec {
    /// Reads what follows `search:`.
    ///
    /// # Errors
    /// Where it is neither a range nor a list nor `off`.
    pub fn parse(spec: &str) -> Result<Spec, SpecError> {
        parse(spec.trim()).ok_or_else(|| SpecError { spec: spec.trim().to_owned() })
    }

    /// The domain for a knob that holds `current` now, which is always part of
    /// it. `None` for `off`, and for a range of something that is no number.
    pub(super) fn domain(&self, current: &Value) -> Option<Domain> {
        match self {
            Spec::Off => None,
            Spec::Choice(options) => {
                let as_current = |option: &Value| match (current, option) {
                    (Value::Float(_), Value::Int(value)) => Value::Float(*value as f64),
                    _ => option.clone(),
                };
                let mut options: Vec<Value> = options.iter().map(as_current).collect();
                if !options.contains(current) {
                    options.insert(0, current.clone());
                }
                Some(Domain::Choice { options })
            }
            Spec::Range { low, high, log, step, whole } => match current {
                Value::Int(current) if *whole => {
                    let multiple_of = if current % step == 0 { *step } else { 1 };
                    let (low, high) = (to_int(*low).min(*current), to_int(*high).max(*current));
                    let low = low.div_euclid(multiple_of) * multiple_of
                        + if low.rem_euclid(multiple_of) == 0 { 0 } else { multiple_of };
                    let high = high.div_euclid(multiple_of) * multiple_of;
                    Some(Domain::Int { low, high, log: *log && low > 0, multiple_of })
                }
                Value::Int(_) | Value::Float(_) => {
                    let current = super::as_float(current)?;
                    let (low, high) = (low.min(current), high.max(current));
                    Some(Domain::Float { low, high, log: *log && low > 0.0 })
                }
                Value::Bool(_) | Value::Text(_) => None,
            },
        }
    }
}

/// Within what an `i64` and an `f64` share.
fn to_int(value: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 2^53 either side")]
    let value = value.round().clamp(-9e15, 9e15) as i64;
    value
}

fn parse(spec: &str) -> Option<Spec> {
    if spec.eq_ignore_ascii_case("off") {
        return Some(Spec::Off);
    }
    if let Some((low, rest)) = spec.split_once("..") {
        let mut words = rest.split_whitespace();
        let high = words.next()?;
        let (mut log, mut step) = (false, 1);
        while let Some(word) = words.next() {
            match word {
                "log" => log = true,
                "step" => step = words.next()?.parse().ok().filter(|step| *step >= 1)?,
                _ => return None,
            }
        }
        let (low, high) = (number(low)?, number(high)?);
        let whole = matches!((&low, &high), (Value::Int(_), Value::Int(_)));
        let (low, high) = (super::as_float(&low)?, super::as_float(&high)?);
        let sound = low < high && !(log && low <= 0.0) && high.abs().max(low.abs()) < 1e15;
        return sound.then_some(Spec::Range { low, high, log, step, whole });
    }
    let options: Option<Vec<Value>> = spec.split(',').map(str::trim).map(option).collect();
    options.filter(|options| options.len() >= 2).map(Spec::Choice)
}

fn number(text: &str) -> Option<Value> {
    let text = text.trim().replace('_', "");
    let power = text.split_once("**").and_then(|(base, exponent)| {
        base.trim().parse::<i64>().ok()?.checked_pow(exponent.trim().parse().ok()?)
    });
    if let Some(value) = power.or_else(|| text.parse().ok()) {
        return Some(Value::Int(value));
    }
    let starts_right =
        text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|value: &f64| starts_right && value.is_finite()).map(Value::Float)
}

fn option(text: &str) -> Option<Value> {
    match text {
        "True" => return Some(Value::Bool(true)),
        "False" => return Some(Value::Bool(false)),
        _ => {}
    }
    if let Some(number) = number(text) {
        return Some(number);
    }
    let quoted =
        ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    let plain = quoted.unwrap_or(text);
    let is_plain = !plain.is_empty()
        && !plain.contains(|c: char| c.is_control() || matches!(c, '\'' | '"' | '\\'));
    let is_word = quoted.is_some() || !plain.contains(char::is_whitespace);
    (is_plain && is_word).then(|| Value::Text(plain.to_owned()))
}
