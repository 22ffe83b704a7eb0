//! One spelling for each literal, so that `1e-3` and `0.001` are the same.

/// Of an integer or float as Python writes it.
pub(super) fn number(text: &str) -> String {
    let plain = text.replace('_', "").to_ascii_lowercase();
    let (digits, imaginary) = match plain.strip_suffix('j') {
        Some(digits) => (digits, "j"),
        None => (plain.as_str(), ""),
    };
    let whole = match digits.as_bytes() {
        [b'0', b'x', ..] => u128::from_str_radix(&digits[2..], 16).ok(),
        [b'0', b'o', ..] => u128::from_str_radix(&digits[2..], 8).ok(),
        [b'0', b'b', ..] => u128::from_str_radix(&digits[2..], 2).ok(),
        _ => digits.parse().ok(),
    };
    // `1` and `1.0` are not the same in Python, `1j` and `1.0j` are.
    if let Some(whole) = whole.filter(|_| imaginary.is_empty()) {
        return whole.to_string();
    }
    match digits.parse::<f64>() {
        Ok(value)
            if value.is_finite() && digits.contains(['.', 'e', 'j']) | !imaginary.is_empty() =>
        {
            format!("{value:?}{imaginary}")
        }
        _ => plain,
    }
}

/// Of a string literal without interpolation: its prefix and contents, the
/// quotes apart. The length in front keeps contents from looking like tokens.
pub(super) fn string(start: &str, contents: &str) -> String {
    let mut prefix = start.trim_end_matches(['"', '\'']).to_ascii_lowercase();
    // `u` says nothing, and neither does `f` where nothing is interpolated,
    // but for `{{`.
    if prefix == "u" || prefix == "f" && !contents.contains(['{', '}']) {
        prefix.clear();
    }
    let contents = if prefix.contains('r') { contents.to_owned() } else { bare_quotes(contents) };
    format!("{prefix}\"{}:{contents}\"", contents.len())
}

/// `\'` and `\"` without the backslash, all other escapes as they are.
fn bare_quotes(contents: &str) -> String {
    let mut bare = String::with_capacity(contents.len());
    let mut chars = contents.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bare.push(c);
            continue;
        }
        match chars.next() {
            Some(quote @ ('"' | '\'')) => bare.push(quote),
            Some(other) => bare.extend(['\\', other]),
            None => bare.push('\\'),
        }
    }
    bare
}
