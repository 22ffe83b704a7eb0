//! Numbers as programs print them, at the start of a text.

/// The number that `text` starts with and what follows it, a unit or a `/10`
/// included. May be not finite.
///
/// Read are `0.99`, `.5`, `5.`, `1e-3`, `+1`, `-1` (also with U+2212),
/// `1,234.5`, `nan`, `inf`, `97.3%` as 97.3, `12.5ms` as 12.5, `8.52/10` as
/// 8.52. A unit is not interpreted. What could be something else is no number:
/// a decimal comma or a list (`0,99`), a version (`1.2.3`), a time (`10:30`), a
/// date (`2024-05-01`), an id (`3f9a2b`, `1_000`).
pub(super) fn prefix(text: &[u8]) -> Option<(f64, &[u8])> {
    let (is_negative, body) = sign(text);
    let (magnitude, rest) = word(body).or_else(|| decimal(body))?;
    may_follow(rest).then_some((if is_negative { -magnitude } else { magnitude }, rest))
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    for (sign, is_negative) in [("+", false), ("-", true), ("\u{2212}", true)] {
        if let Some(body) = text.strip_prefix(sign.as_bytes()) {
            return (is_negative, body);
        }
    }
    (false, text)
}

fn word(body: &[u8]) -> Option<(f64, &[u8])> {
    let letters = body.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, rest) = body.split_at(letters);
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if is("nan") {
        Some((f64::NAN, rest))
    } else if is("inf") || is("infinity") {
        Some((f64::INFINITY, rest))
    } else {
        None
    }
}

fn decimal(body: &[u8]) -> Option<(f64, &[u8])> {
    let whole = grouped_digits(body)?;
    let mut end = whole;
    let mut fraction = 0;
    if body.get(end) == Some(&b'.') {
        fraction = digits(&body[end + 1..]);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    let mantissa = &body[..end];
    let mut exponent = String::new();
    if let Some(b'e' | b'E') = body.get(end) {
        let (is_negative, power) = sign(&body[end + 1..]);
        let length = digits(power);
        if length > 0 {
            exponent.push_str(if is_negative { "e-" } else { "e" });
            exponent.extend(power[..length].iter().map(|&digit| char::from(digit)));
            end = body.len() - power.len() + length;
        }
    }
    let plain: String =
        mantissa.iter().filter(|&&byte| byte != b',').map(|&byte| char::from(byte)).collect();
    // Rust reads `5.` and `.5` as they are.
    let value = (plain + &exponent).parse().ok()?;
    Some((value, &body[end..]))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Length of the digits that `text` starts with, with commas between groups of
/// three; none where a comma is followed by digits in any other way.
fn grouped_digits(text: &[u8]) -> Option<usize> {
    let first = digits(text);
    let may_group = (1..=3).contains(&first) && text[0] != b'0';
    let mut end = first;
    while text.get(end) == Some(&b',') {
        match digits(&text[end + 1..]) {
            0 => break,
            3 if may_group => end += 4,
            _ => return None,
        }
    }
    Some(end)
}

/// Whether a number may stand before `rest`.
fn may_follow(rest: &[u8]) -> bool {
    let unit =
        rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let is_id = rest[..unit].iter().any(|byte| !byte.is_ascii_alphabetic());
    let goes_on = matches!(rest, [b'.' | b':' | b'-', b'0'..=b'9', ..]);
    !is_id && !goes_on
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<f64> {
        prefix(text.as_bytes()).map(|(value, _)| value)
    }

    #[test]
    fn forms_in_the_wild_are_read() {
        for (text, value) in [
            ("0.997900", 0.9979),
            ("1e-3", 1e-3),
            ("1E+3", 1e3),
            ("1e\u{2212}3", 1e-3),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("1,234.5", 1234.5),
            ("12,345,678", 12_345_678.0),
            ("97.3%", 97.3),
            ("12.5ms", 12.5),
            ("12.5\u{b5}s", 12.5),
            ("44.0 GB", 44.0),
            ("8.52/10", 8.52),
            ("\u{2212}0.25", -0.25),
            ("-0.25,", -0.25),
            ("0.5. Done", 0.5),
            ("1, 2", 1.0),
        ] {
            assert_eq!(read(text), Some(value), "{text}");
        }
        assert!(read("NaN").unwrap().is_nan());
        assert_eq!(read("-inf"), Some(f64::NEG_INFINITY));
        assert_eq!(read("Infinity,"), Some(f64::INFINITY));
        assert_eq!(read("1e999"), Some(f64::INFINITY));
    }

    #[test]
    fn what_may_be_something_else_is_no_number() {
        for text in [
            "",
            "-",
            ".",
            "e5",
            "info",
            "nano",
            "0,99",
            "0,997",
            "1,23",
            "1,2,3",
            "1234,567",
            "1.2.3",
            "10:30",
            "2024-05-01",
            "3f9a2b",
            "1_000",
            "0x10",
            "- 5",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
