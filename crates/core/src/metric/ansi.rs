//! Terminal escapes taken out of a stream of bytes, whatever its chunks.
//!
//! Our own rather than a crate's, for one rule that a log needs and a terminal
//! does not: an escape that is never closed ends with its line, so that one
//! stray byte cannot swallow the rest of the output.

use memchr::memchr;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// Removes CSI, OSC and the other escapes of ECMA-48 in their 7-bit forms.
#[derive(Clone, Debug, Default)]
pub(in crate::metric) struct Stripper {
    state: State,
    plain: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC, and after ESC with intermediate bytes.
    Escape,
    /// After ESC `[`, until a final byte.
    Csi,
    /// After ESC and `]`, `P`, `X`, `^` or `_`: a string, until BEL or ESC `\`.
    String,
}

impl State {
    /// The state after `byte`, and whether the byte is text.
    fn after(self, byte: u8) -> (State, bool) {
        match (self, byte) {
            (_, b'\n' | b'\r') => (State::Text, true),
            // Within a string this is the start of its end: the `\` that
            // follows is then the final byte of an escape like any other.
            (_, ESCAPE) => (State::Escape, false),
            (State::Escape, b'[') => (State::Csi, false),
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (State::String, false),
            (State::Csi, 0x40..=0x7e) | (State::Escape, 0x30..=0x7e) | (State::String, BELL) => {
                (State::Text, false)
            }
            (State::Escape | State::Csi, 0x20..=0x3f) | (State::String, _) => (self, false),
            // Not an escape after all, or not in one.
            (State::Text | State::Escape | State::Csi, _) => (State::Text, true),
        }
    }
}

impl Stripper {
    /// `chunk` without escapes; borrowed as it is where there are none.
    pub(in crate::metric) fn strip<'a>(&'a mut self, mut chunk: &'a [u8]) -> &'a [u8] {
        if self.state == State::Text && memchr(ESCAPE, chunk).is_none() {
            return chunk;
        }
        self.plain.clear();
        while !chunk.is_empty() {
            if self.state == State::Text {
                let end = memchr(ESCAPE, chunk).unwrap_or(chunk.len());
                self.plain.extend_from_slice(&chunk[..end]);
                chunk = &chunk[end..];
            }
            if let Some((&byte, after)) = chunk.split_first() {
                let (state, is_text) = self.state.after(byte);
                self.state = state;
                if is_text {
                    self.plain.push(byte);
                }
                chunk = after;
            }
        }
        &self.plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> String {
        let mut stripper = Stripper::default();
        let whole = stripper.strip(text.as_bytes()).to_vec();
        let mut stripper = Stripper::default();
        let bytes: Vec<u8> =
            text.bytes().flat_map(|byte| stripper.strip(&[byte]).to_vec()).collect();
        assert_eq!(whole, bytes, "one chunk and single bytes differ");
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn colours_links_and_titles_are_removed() {
        assert_eq!(stripped("\x1b[1;32mval\x1b[0m_bpb"), "val_bpb");
        assert_eq!(stripped("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1b(Bc"), "abc");
        assert_eq!(stripped("\x1b[2K\x1b[?25lx\x1b7y"), "xy");
    }

    #[test]
    fn an_unclosed_escape_ends_with_its_line() {
        assert_eq!(stripped("\x1b]0;title\nnext"), "\nnext");
        assert_eq!(stripped("\x1b[12\rnext"), "\rnext");
        assert_eq!(stripped("end\x1b"), "end");
    }
}
