//! Text of others, made fit to stand in a brief: nothing that a terminal obeys,
//! no fence that ends early, no more than there is room for.

/// Lines are no longer than this.
const LINE: usize = 2_000;

/// Without control characters and what hides or turns round text, which become
/// `\u{fffd}`; ends of lines and tabs stay. Sources: Unicode 16, general category Cc,
/// the bidirectional controls of UAX #9 and the tag characters.
pub(super) fn clean(text: &str) -> String {
    let is_hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
    };
    let text = text.replace("\r\n", "\n");
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// One line of at most `most` characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= most {
        return words;
    }
    let mut cut: String = words.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// A cell of a table.
pub(super) fn cell(text: &str, most: usize) -> String {
    one_line(text, most).replace('\\', "\\\\").replace('|', "\\|")
}

/// A mark around `text` that nothing in it can end, of at least `least` times `c`.
fn mark(text: &str, c: char, least: usize) -> String {
    let longest = text.split(|other| other != c).map(str::len).max().unwrap_or(0);
    String::from(c).repeat(least.max(longest + 1))
}

/// A fence for a block of code (`CommonMark` 0.31, section 4.5).
pub(super) fn fence(text: &str) -> String {
    mark(text, '`', 3)
}

/// Inline code on one line (`CommonMark` 0.31, section 6.1).
pub(super) fn code(text: &str, most: usize) -> String {
    let text = one_line(text, most);
    let mark = mark(&text, '`', 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{mark}{pad}{text}{pad}{mark}")
}

/// A file as a page shows it.
pub(super) struct Shown {
    /// Its text, cleaned; the middle may be left out, which a line of it says.
    pub(super) text: String,
    /// Its lines before that.
    pub(super) lines: usize,
    /// The lines that are left out, counted from 1.
    pub(super) left_out: Option<(usize, usize)>,
}

/// `text` in at most about `most` bytes, with line numbers where they are asked for:
/// whole lines are left out in the middle.
pub(super) fn shown(text: &str, most: usize, is_numbered: bool) -> Shown {
    let text = clean(text);
    let line = |(at, line): (usize, &str)| {
        let line = if line.len() > LINE { one_line(line, LINE) } else { line.to_owned() };
        if is_numbered { format!("{:>5}\t{line}\n", at + 1) } else { format!("{line}\n") }
    };
    let lines: Vec<String> = text.lines().enumerate().map(line).collect();
    let total: usize = lines.iter().map(String::len).sum();
    if total <= most {
        return Shown { text: lines.concat(), lines: lines.len(), left_out: None };
    }
    let fits = |lines: &mut dyn Iterator<Item = &String>| {
        let mut room = most / 2;
        let fits = |line: &&String| {
            let fits = line.len() <= room;
            room = room.saturating_sub(line.len());
            fits
        };
        lines.take_while(fits).count()
    };
    let head = fits(&mut lines.iter());
    let tail = fits(&mut lines.iter().skip(head).rev());
    let (first, last) = (head + 1, lines.len() - tail);
    let note = format!("[lines {first} to {last} of {} are left out]\n", lines.len());
    let text = [lines[..head].concat(), note, lines[last..].concat()].concat();
    Shown { text, lines: lines.len(), left_out: Some((first, last)) }
}

/// How `most` bytes are shared among texts of these sizes: what a small one leaves
/// over the others get.
pub(super) fn shares(sizes: &[usize], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| sizes[*at]);
    let mut shares = vec![0; sizes.len()];
    let mut room = most;
    for (done, at) in order.iter().enumerate() {
        shares[*at] = sizes[*at].min(room / (sizes.len() - done));
        room -= shares[*at];
    }
    shares
}

/// The first `most` bytes at the most, and how many are missing.
pub(super) fn head(text: &str, most: usize) -> (&str, usize) {
    let end = text.floor_char_boundary(most);
    (&text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_fence() {
        for text in ["plain", "```\nout", "````` five", "a ``` b ~~~~"] {
            let fence = fence(text);
            assert!(fence.len() >= 3 && !text.contains(&fence), "{fence} around {text}");
        }
        assert_eq!(code("a`b", 9), "``a`b``");
        assert_eq!(code("`", 9), "`` ` ``");
    }

    #[test]
    fn what_a_terminal_obeys_or_a_reader_cannot_see_is_replaced() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc\u{202e}d\te"), "a\u{fffd}[31mb\nc\u{fffd}d\te");
        assert_eq!(cell("a|b\nc", 9), "a\\|b c");
        assert_eq!(one_line("one two three", 8), "one two…");
    }

    #[test]
    fn a_long_file_is_cut_in_the_middle_and_says_so() {
        let lines: Vec<String> = (1..=100).map(|n| format!("line {n}\n")).collect();
        let text = lines.concat();
        let cut = shown(&text, 200, true);
        assert_eq!((cut.lines, cut.text.len() < 260), (100, true));
        let (first, last) = cut.left_out.unwrap();
        assert!(cut.text.contains(&format!("[lines {first} to {last} of 100 are left out]")));
        assert!(cut.text.starts_with("    1\tline 1\n") && cut.text.ends_with("  100\tline 100\n"));
        let whole = shown(&text, 10_000, false);
        assert_eq!((whole.text.as_str(), whole.left_out), (text.as_str(), None));
        assert!(shown(&"x".repeat(1 << 20), 5_000, true).text.len() < 7_000);
    }

    #[test]
    fn what_a_small_text_leaves_over_others_get() {
        assert_eq!(shares(&[10, 500, 500], 310), [10, 150, 150]);
        assert_eq!(shares(&[10, 20], 310), [10, 20]);
        assert_eq!(shares(&[], 310), Vec::<usize>::new());
    }
}
