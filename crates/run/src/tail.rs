//! The end of the output, for a person to read and for signatures to be found.

use std::collections::VecDeque;

/// Bytes of the end that are remembered.
const REMEMBERED: usize = 64 * 1024;
/// Lines of it that are shown.
const LINES: usize = 20;
/// Characters of a line that are shown.
const WIDTH: usize = 400;

/// Remembers the end of a stream, in constant memory.
#[derive(Default)]
pub(crate) struct Tail {
    bytes: VecDeque<u8>,
}

impl Tail {
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        let chunk = &chunk[chunk.len().saturating_sub(REMEMBERED)..];
        let excess = (self.bytes.len() + chunk.len()).saturating_sub(REMEMBERED);
        self.bytes.drain(..excess);
        self.bytes.extend(chunk);
    }

    /// The lines as a terminal would show them, oldest first, empty ones apart.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let text = String::from_utf8_lossy(self.bytes.make_contiguous());
        text.split('\n').map(visible).filter(|line| !line.is_empty()).collect()
    }
}

/// The last lines of `lines`, cut to a sane width.
pub(crate) fn excerpt(lines: &[String]) -> String {
    let shown: Vec<String> = lines[lines.len().saturating_sub(LINES)..]
        .iter()
        .map(|line| match line.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.clone(),
        })
        .collect();
    shown.join("\n")
}

/// What a terminal shows of a line: no escapes, no control characters, and of a
/// progress bar that overwrites itself the last state.
fn visible(line: &str) -> String {
    line.rsplit('\r')
        .map(|state| plain(state).trim_end().to_owned())
        .find(|state| !state.is_empty())
        .unwrap_or_default()
}

/// `text` without ANSI escapes (CSI, OSC and other strings, two-character ones, ECMA-48) and
/// control characters; a tab becomes a space.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => match rest.next() {
                Some('[') => {
                    rest.by_ref().find(|c| ('\x40'..='\x7e').contains(c));
                }
                // Titles, links, images, keyboards: whatever it is, up to its end.
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while let Some(c) = rest.next() {
                        if c == '\x07' || (c == '\x1b' && rest.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\t' => plain.push(' '),
            c if c.is_control() || turns_writing_round(c) => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Marks of direction make a line read as another than it is.
fn turns_writing_round(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_progress_bar_is_one_line_and_colours_are_gone() {
        let mut tail = Tail::default();
        tail.feed(b"10%\r20%\r\x1b[32m100%\x1b[0m\r\n\x1b]0;title\x07done\t\xff\n\n");
        assert_eq!(tail.lines(), ["100%", "done \u{fffd}"]);
    }

    #[test]
    fn nothing_that_drives_a_terminal_or_misleads_a_reader_is_shown() {
        let mut tail = Tail::default();
        tail.feed(
            b"\x1bPq#0;2;0;0;0\x1b\\a\x1b_Ga=d\x1b\\b\x1b[?1049h\x1bc\x1b]52;c;ZXZpbA==\x07\x9bc",
        );
        tail.feed("\n\u{9b}2Jc\u{202e}d\u{2066}\x08\x07\x7f\n".as_bytes());
        assert_eq!(tail.lines(), ["ab\u{fffd}c", "2Jcd"]);
    }

    #[test]
    fn twenty_lines_of_sane_width_are_shown() {
        let mut tail = Tail::default();
        for n in 0..100 {
            tail.feed(format!("{n} {}\n", "é".repeat(1000)).as_bytes());
        }
        let text = excerpt(&tail.lines());
        assert_eq!(text.lines().count(), 20);
        assert!(text.starts_with("80 é") && text.ends_with("é…"));
    }

    proptest! {
        #[test]
        fn however_the_stream_is_cut_the_end_is_the_same(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40_000), 0..6)) {
            let (mut cut, mut whole) = (Tail::default(), Tail::default());
            for chunk in &chunks {
                cut.feed(chunk);
            }
            whole.feed(&chunks.concat());
            prop_assert_eq!(&cut.bytes, &whole.bytes);
            prop_assert!(cut.bytes.len() <= REMEMBERED);
            let shown = excerpt(&cut.lines());
            prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
