//! A literal in the source: what it holds, and how its author writes such
//! values, so that a new one looks as if the same person had written it.

use std::ops::Range;

use autoresearch_core::proposal::Value;
use tree_sitter::Node;

/// How a value is spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// `128`, or `65_536` with underscores.
    Int {
        /// Whether thousands are set apart.
        underscores: bool,
    },
    /// `2**17` or `1 << 10`.
    Power {
        /// What is raised: 2 for a shift.
        base: i64,
        /// All that stands before the exponent: `2**`, `1 << `.
        before: String,
    },
    /// `64 * 1024`: the first factor varies.
    Product {
        /// All that stands after the first factor.
        after: String,
        /// The product of the other factors.
        unit: i64,
    },
    /// `0.003`, or `3e-3` where scientific.
    Float {
        /// Whether there is an exponent.
        scientific: bool,
    },
    /// `True` or `False`.
    Bool,
    /// A string with its prefix and opening quote.
    Text {
        /// `'`, `"` or with a prefix such as `r"`.
        open: String,
    },
}

/// A literal where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Literal {
    pub(super) range: Range<usize>,
    /// Counted from 0.
    pub(super) row: usize,
    pub(super) value: Value,
    pub(super) style: Style,
}

impl Literal {
    /// The literal that a node is; `None` where it is none, or one that no
    /// search should touch (hexadecimal, triple-quoted, interpolated).
    pub(super) fn of(node: Node<'_>, text: &str) -> Option<Literal> {
        let (value, style) = read(node, text, 0)?;
        Some(Literal { range: node.byte_range(), row: node.start_position().row, value, style })
    }
}

/// `64 * 2**10` is as deep as people write.
const MAX_DEPTH: usize = 2;

fn read(node: Node<'_>, text: &str, depth: usize) -> Option<(Value, Style)> {
    if depth > MAX_DEPTH {
        return None;
    }
    let source = text.get(node.byte_range())?;
    match node.kind() {
        "integer" => {
            Some((Value::Int(int(source)?), Style::Int { underscores: source.contains('_') }))
        }
        "float" => {
            let value: f64 = source.replace('_', "").parse().ok()?;
            let style = Style::Float { scientific: source.contains(['e', 'E']) };
            value.is_finite().then_some((Value::Float(value), style))
        }
        "true" | "false" => Some((Value::Bool(node.kind() == "true"), Style::Bool)),
        "string" => {
            let (start, end) = (node.child(0)?, node.child(node.child_count().checked_sub(1)?)?);
            let open = text.get(start.byte_range())?;
            let inside = text.get(start.end_byte()..end.start_byte())?;
            let simple = start.kind() == "string_start"
                && end.kind() == "string_end"
                && !open.ends_with("\"\"\"")
                && !open.ends_with("'''")
                && !open.to_ascii_lowercase().contains(['f', 'b', 't'])
                && inside.len() <= 40
                && !inside.contains(['\\', '\n', '\r']);
            simple.then(|| (Value::Text(inside.to_owned()), Style::Text { open: open.to_owned() }))
        }
        "unary_operator" => {
            let operand = node.child_by_field_name("argument")?;
            let sign = text.get(node.start_byte()..operand.start_byte())?;
            match (sign, read(operand, text, depth + 1)?) {
                ("-", (Value::Int(value), style @ Style::Int { .. })) => {
                    Some((Value::Int(-value), style))
                }
                ("-", (Value::Float(value), style)) => Some((Value::Float(-value), style)),
                _ => None,
            }
        }
        "binary_operator" => {
            let (left, right) =
                (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
            let between = text.get(left.end_byte()..right.start_byte())?;
            let (Value::Int(first), Style::Int { .. }) = read(left, text, depth + 1)? else {
                return None;
            };
            let (Value::Int(second), second_style) = read(right, text, depth + 1)? else {
                return None;
            };
            match between.trim() {
                "**" if first >= 2 && second_style == (Style::Int { underscores: false }) => {
                    let value = first.checked_pow(u32::try_from(second).ok()?)?;
                    let before = format!("{}{between}", text.get(left.byte_range())?);
                    Some((Value::Int(value), Style::Power { base: first, before }))
                }
                "<<" if first == 1 && (0..62).contains(&second) => Some((
                    Value::Int(1 << second),
                    Style::Power { base: 2, before: format!("1{between}") },
                )),
                "*" if first >= 1 && second >= 1 => {
                    let after = text.get(left.end_byte()..right.end_byte())?.to_owned();
                    Some((
                        Value::Int(first.checked_mul(second)?),
                        Style::Product { after, unit: second },
                    ))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn int(source: &str) -> Option<i64> {
    source
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'_')
        .then(|| source.replace('_', "").parse().ok())?
}

/// The value as this author would write it; `None` for what Python has no
/// literal for.
pub(super) fn write(value: &Value, style: &Style) -> Option<String> {
    match value {
        Value::Bool(value) => Some(if *value { "True" } else { "False" }.to_owned()),
        Value::Int(value) => Some(write_int(*value, style)),
        Value::Float(value) if !value.is_finite() => None,
        Value::Float(value) => Some(write_float(*value, style)),
        Value::Text(value) => {
            let open = match style {
                Style::Text { open } => open.as_str(),
                _ => "\"",
            };
            let quote = if open.ends_with('\'') { '\'' } else { '"' };
            let raw = open.to_ascii_lowercase().contains('r');
            let mut inside = String::with_capacity(value.len());
            for c in value.chars() {
                match c {
                    '\n' => inside.push_str("\\n"),
                    '\r' => inside.push_str("\\r"),
                    c if !raw && (c == quote || c == '\\') => inside.extend(['\\', c]),
                    c => inside.push(c),
                }
            }
            Some(format!("{open}{inside}{quote}"))
        }
    }
}

fn write_int(value: i64, style: &Style) -> String {
    match style {
        Style::Power { base, before } if value > 0 => {
            let (mut factor, mut exponent) = (value, 0);
            while factor % base == 0 {
                factor /= base;
                exponent += 1;
            }
            match (factor, exponent) {
                (1, 1..) => format!("{before}{exponent}"),
                // `3 * 2**15`; a shift would need brackets.
                (2..1000, 4..) if before.contains('*') => format!("{factor} * {before}{exponent}"),
                _ => value.to_string(),
            }
        }
        Style::Product { after, unit } if value > 0 && value % unit == 0 => {
            format!("{}{after}", value / unit)
        }
        Style::Int { underscores: true } => in_thousands(value),
        _ => value.to_string(),
    }
}

fn in_thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

fn write_float(value: f64, style: &Style) -> String {
    let magnitude = value.abs();
    let scientific = matches!(style, Style::Float { scientific: true });
    let is_whole = value.fract() == 0.0 && magnitude < 1e15;
    if is_whole && !matches!(style, Style::Float { .. }) {
        return format!("{value:.0}");
    }
    let far = magnitude != 0.0 && !(1e-4..1e7).contains(&magnitude);
    let best_scientific = scientific && magnitude != 0.0 && !(1e-2..1e4).contains(&magnitude);
    if far || best_scientific {
        return format!("{value:e}");
    }
    if is_whole { format!("{value:.1}") } else { format!("{value}") }
}
