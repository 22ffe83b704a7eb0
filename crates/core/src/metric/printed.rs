//! The values that a line gives for one name.

use std::ops::Range;

use memchr::memmem::Finder;

use super::number;

/// How surely a number belongs to the name before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// The name starts its field: `val_bpb: 1`, `step 3 | val_bpb: 1`.
    Field,
    /// A word stands before the name, which may be a part of another name:
    /// `best val_bpb: 1`.
    Phrase,
}

/// Calls `each` with every value that `line` gives for the name; only names that
/// start within `owned` count.
pub(super) fn values(
    line: &[u8],
    name: &Finder<'_>,
    owned: &Range<usize>,
    mut each: impl FnMut(Rank, f64),
) {
    for start in name.find_iter(line).filter(|start| owned.contains(start)) {
        let before = &line[..start];
        if last_char(before).is_some_and(is_of_a_name) {
            continue;
        }
        if let Some(value) = value_after(&line[start + name.needle().len()..]) {
            each(rank(before), value);
        }
    }
}

/// Whether a name goes on with `character`, so that `val_bpb` is not found in
/// `val_bpb_ema`, `val_bpb/best` or `--val_bpb`.
fn is_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || "_./-@".contains(character)
}

fn rank(before: &[u8]) -> Rank {
    // No word is longer; without a bound, a long line of pairs takes its square.
    let before = before[before.len().saturating_sub(128)..].trim_ascii_end();
    let word = &before[before.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1)..];
    let is_log_level = matches!(word, b"METRIC" | b"INFO" | b"DEBUG" | b"RESULT");
    let is_value = word.first().is_some_and(u8::is_ascii_digit)
        || word.iter().any(|byte| b"=:".contains(byte));
    let ends_in_letter = last_char(word).is_some_and(|last| last.is_alphanumeric() || last == '_');
    if ends_in_letter && !is_log_level && !is_value { Rank::Phrase } else { Rank::Field }
}

/// The number in `after`, which follows a name: `: 1`, ` = 1`, `" : 1`, ` 1`,
/// ` | 1 |`, ` (%): 1`.
fn value_after(after: &[u8]) -> Option<f64> {
    let unquoted = trim_start(after, b"\"'`*");
    if first_char(unquoted).is_some_and(is_of_a_name) {
        return None;
    }
    let spaced = trim_start(unquoted, b" \t");
    let (had_separator, rest) = match separator(spaced).or_else(|| separator(annotation(spaced)?)) {
        Some(rest) => (true, rest),
        None => (false, spaced),
    };
    if !had_separator && spaced.len() == unquoted.len() {
        return None;
    }
    let rest = trim_start(rest, b" \t\"'`*");
    let rest = ["tensor(", "np.float64(", "np.float32("]
        .into_iter()
        .find_map(|wrapper| rest.strip_prefix(wrapper.as_bytes()))
        .unwrap_or(rest);
    number::prefix(rest).map(|(value, _)| value)
}

fn separator(text: &[u8]) -> Option<&[u8]> {
    [":=", "==", "=>", "->", ":", "=", "|", "\u{2502}", "\u{2503}", "\u{2551}", "\u{2192}"]
        .into_iter()
        .find_map(|separator| text.strip_prefix(separator.as_bytes()))
}

/// What follows a short remark in brackets, as in `accuracy (%): 97`.
fn annotation(text: &[u8]) -> Option<&[u8]> {
    let close = match text.first()? {
        b'(' => b')',
        b'[' => b']',
        _ => return None,
    };
    let end = text.iter().take(40).position(|&byte| byte == close)?;
    Some(trim_start(&text[end + 1..], b" \t"))
}

fn trim_start<'a>(text: &'a [u8], unwanted: &[u8]) -> &'a [u8] {
    let kept = text.iter().position(|byte| !unwanted.contains(byte)).unwrap_or(text.len());
    &text[kept..]
}

fn first_char(text: &[u8]) -> Option<char> {
    text.get(..4.min(text.len()))?.utf8_chunks().next()?.valid().chars().next()
}

fn last_char(text: &[u8]) -> Option<char> {
    (1..=4.min(text.len()))
        .find_map(|length| str::from_utf8(&text[text.len() - length..]).ok()?.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, name: &str) -> Vec<f64> {
        let mut found = Vec::new();
        values(line.as_bytes(), &Finder::new(name), &(0..line.len()), |_, value| found.push(value));
        found
    }

    #[test]
    fn forms_in_the_wild_are_read() {
        for line in [
            "val_bpb:          0.997900",
            "val_bpb = 0.9979",
            "val_bpb=0.9979",
            "METRIC val_bpb=0.9979",
            "| val_bpb | 0.9979 |",
            "\u{2502} val_bpb \u{2502} 0.9979 \u{2502}",
            "    \"val_bpb\": 0.9979,",
            "{'val_bpb': np.float64(0.9979), 'lr': 1}",
            "step 10 | val_bpb: 0.9979 | lr 1e-3",
            "step 10 | lr 1e-3 | val_bpb: 0.9979",
            "val_bpb 0.9979",
            "val_bpb\t0.9979",
            "**val_bpb**: 0.9979",
            "val_bpb (bits per byte): 0.9979",
            "(val_bpb=0.9979)",
            "INFO:root:val_bpb: tensor(0.9979, device='cuda:0')",
            "val_bpb: \"0.9979\"",
        ] {
            assert_eq!(read(line, "val_bpb"), [0.9979], "{line}");
        }
    }

    #[test]
    fn names_may_have_signs_and_spaces() {
        assert_eq!(read("Test accuracy: 97.3%", "Test accuracy"), [97.3]);
        assert_eq!(read("val/loss 0.5 pass@1=0.25", "val/loss"), [0.5]);
        assert_eq!(read("val/loss 0.5 pass@1=0.25", "pass@1"), [0.25]);
        assert_eq!(read("eval.top-5 = 0.5", "eval.top-5"), [0.5]);
        assert_eq!(read("précision: 0.5", "précision"), [0.5]);
    }

    #[test]
    fn other_names_and_other_text_are_not_taken() {
        for line in [
            "val_bpb_ema: 1",
            "best_val_bpb: 1",
            "best/val_bpb: 1",
            "--val_bpb=1",
            "val_bpb-ema: 1",
            "val_bpb@5: 1",
            "éval_bpb: 1",
            "Val_bpb: 1",
            "val_bpb: lr 1",
            "val_bpb",
            "val_bpb:",
            "| val_bpb | lr |",
            "val_bpb (1)",
            "time: [1.2 ms 1.3 ms 1.4 ms] val_bpb [1 2 3]",
            "val_bpb: 0,99",
        ] {
            assert_eq!(read(line, "val_bpb"), Vec::<f64>::new(), "{line}");
        }
    }

    #[test]
    fn every_value_of_a_line_is_found() {
        assert_eq!(read("loss: 3 | loss: 2, loss=1", "loss"), [3.0, 2.0, 1.0]);
    }
}
