//! Other people's words made safe for where they are shown: a terminal line, a
//! Markdown cell, an XML document.

use autoresearch_core::experiment::Verdict;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::history::Point;

/// Longest text that is looked at, in characters.
const LONGEST: usize = 400;

/// On one line: runs of white space become a space; control characters and
/// what turns the direction of writing round are dropped, so that no hypothesis
/// drives a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars().take(LONGEST) {
        if c.is_whitespace() {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !c.is_control() && !is_invisible(c) {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Marks of direction, joiners and characters that XML does not know.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// What a person does about a suspect.
pub(crate) fn remedy(point: &Point) -> String {
    let number = point.number;
    let trust = match point.verdict {
        Verdict::Discard => format!("; `autoresearch trust {number}` if you believe it"),
        Verdict::Keep | Verdict::Crash => String::new(),
    };
    format!("see `autoresearch diff {number}`{trust}")
}

/// The longest start of `text` that fits into `columns` of a terminal, with `…`
/// where something is missing.
pub(crate) fn truncated(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let mut short = String::new();
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        short.push(c);
    }
    short.truncate(short.trim_end().len());
    if columns > 0 {
        short.push('…');
    }
    short
}

/// On one line, so that Markdown and HTML show it as it is, also in a table.
pub(crate) fn markdown(text: &str) -> String {
    let line = one_line(text);
    let mut escaped = String::with_capacity(line.len() + 8);
    let mut before = ' ';
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' if before == ' ' => escaped.push_str("&gt;"),
            '&' if after.is_alphabetic() || after == '#' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '$' => escaped.extend(['\\', c]),
            // Inside a word it means nothing: LEARNING_RATE stays readable.
            '_' if !(before.is_alphanumeric() && after.is_alphanumeric()) => {
                escaped.push_str("\\_");
            }
            _ => escaped.push(c),
        }
        before = c;
    }
    escaped
}

/// As code in Markdown, also in a table.
pub(crate) fn markdown_code(text: &str) -> String {
    let line = one_line(text);
    let longest_run = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest_run + 1);
    let pad = if longest_run > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", line.replace('|', "\\|"))
}

/// On one line, as text or attribute of an XML document.
pub(crate) fn xml(text: &str) -> String {
    let line = one_line(text);
    let mut escaped = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// The first seven digits of a commit, as `results.tsv` has them; a word that
/// stands for one, such as `baseline`, as it is.
pub(crate) fn short_commit(commit: &str) -> String {
    let most = if commit.bytes().all(|b| b.is_ascii_hexdigit()) { 7 } else { 12 };
    commit.chars().filter(char::is_ascii_alphanumeric).take(most).collect()
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `#4`, `#4, #9 and 3 more`: at most `most` numbers of `total`.
pub(crate) fn numbers(numbers: &[u64], total: u64, most: usize) -> String {
    let mut items: Vec<String> = numbers.iter().take(most).map(|n| format!("#{n}")).collect();
    let rest = total.saturating_sub(items.len() as u64);
    if rest > 0 {
        items.push(format!("{rest} more"));
    }
    listed(&items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hypothesis_cannot_drive_the_terminal() {
        assert_eq!(one_line(" a\n\tb \u{1b}[31mred\u{202e}\u{7} "), "a b [31mred");
    }

    #[test]
    fn markdown_shows_what_was_written() {
        assert_eq!(
            markdown("raise LEARNING_RATE | `x` <b>_y_</b> a*b\nc &amp; $5"),
            r"raise LEARNING_RATE \| \`x\` &lt;b>\_y\_&lt;/b> a\*b c &amp;amp; \$5"
        );
        assert_eq!(markdown_code("a `b` | c"), r"`` a `b` \| c ``");
    }

    #[test]
    fn a_line_is_cut_by_columns_not_by_characters() {
        assert_eq!(truncated("学習率を上げる", 8), "学習率…");
        assert_eq!(truncated("abc", 3), "abc");
        assert_eq!(truncated("abcd", 3), "ab…");
        assert_eq!(truncated("abc", 0), "");
    }

    #[test]
    fn many_numbers_are_counted() {
        assert_eq!(numbers(&[4], 1, 3), "#4");
        assert_eq!(numbers(&[4, 9, 12, 13], 6, 2), "#4, #9 and 4 more");
    }

    proptest! {
        #[test]
        fn no_text_is_wider_than_asked_for(text in "\\PC{0,40}", columns in 0_usize..50) {
            prop_assert!(truncated(&text, columns).width() <= columns);
        }
    }
}
