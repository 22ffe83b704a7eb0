//! What a text is about, beyond its letters: every word is a direction in 64 dimensions,
//! and words that mean the same point the same way. A note answers a question as well as
//! its words answer those of the question, each the one that is likest (late interaction,
//! Khattab and Zaharia, 2020).
//!
//! The directions are a table made of the model all-MiniLM-L6-v2 (`table/make.py`), whose
//! licence is `table/LICENSE`. Comparing words and not whole texts found twice as much on
//! the labelled set (`docs/memory.md`): so small a table blurs a sentence.

use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Length of a direction.
const DIMENSIONS: usize = 64;

/// Pieces of words that stand for a note, and how many of its title.
const PIECES: usize = 62;
const TITLE: usize = 24;

/// Bytes that stand for a note: how many pieces are of the title, how many there are, and
/// their rows.
pub(crate) const SLOT: usize = 2 * (PIECES + 2);

/// Pieces of a question that count.
const ASKED: usize = 16;

/// Letters of a word that counts, as in `WordPiece`.
const LETTERS: usize = 100;

/// What a likeness to a word of the title counts beside one to any word.
const TITLES: f32 = 0.5;

/// Words that say nothing.
const EMPTY: &[&str] = &[
    "a", "about", "all", "also", "although", "an", "and", "any", "are", "as", "at", "be", "been",
    "but", "by", "can", "did", "do", "does", "for", "from", "had", "has", "have", "how", "if",
    "in", "into", "is", "it", "its", "just", "more", "much", "my", "no", "not", "nothing", "of",
    "on", "one", "or", "other", "our", "so", "some", "such", "than", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "to", "too", "try", "use", "using", "very",
    "was", "we", "were", "what", "when", "which", "while", "will", "with", "you", "your",
];

/// Lower-case words without accents and punctuation, as BERT's uncased vocabulary has
/// them, and without those that say nothing.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().nfd().filter(|c| !is_combining_mark(*c)).collect())
        .filter(|word: &String| !word.is_empty() && !EMPTY.contains(&word.as_str()))
}

/// What stands for a note.
pub(crate) fn slot(title: &str, text: &str) -> [u8; SLOT] {
    let Some(table) = table() else { return [0; SLOT] };
    let mut rows = Vec::new();
    table.rows_of(title, TITLE, &mut rows);
    let of_title = rows.len();
    table.rows_of(text, PIECES, &mut rows);
    let mut slot = [0; SLOT];
    let numbers = [of_title, rows.len()].into_iter().chain(rows);
    for (place, number) in slot.chunks_exact_mut(2).zip(numbers) {
        place.copy_from_slice(&u16::try_from(number).unwrap_or(0).to_le_bytes());
    }
    slot
}

/// A question, ready to be compared with notes.
pub(crate) struct Question {
    /// What each of its pieces counts.
    counts: [f32; ASKED],
    /// How like every piece of the vocabulary is to each of its pieces, from 0 to 127.
    likeness: Vec<[u8; ASKED]>,
}

impl Question {
    /// `None` where it has no word that is known.
    pub(crate) fn of(text: &str) -> Option<Question> {
        let table = table()?;
        let mut rows = Vec::new();
        table.rows_of(text, ASKED, &mut rows);
        if rows.is_empty() {
            return None;
        }
        let mut counts = [0.0; ASKED];
        for (count, row) in counts.iter_mut().zip(&rows) {
            *count = table.count(*row);
        }
        let mut likeness = vec![[0; ASKED]; table.size];
        for (at, asked) in rows.iter().enumerate() {
            let asked = table.direction(*asked);
            for (row, likeness) in likeness.iter_mut().enumerate() {
                let dot = dot(asked, table.direction(row)) / 127;
                likeness[at] = u8::try_from(dot.clamp(0, 127)).unwrap_or(0);
            }
        }
        Some(Question { counts, likeness })
    }

    /// The most that [`answer`](Question::answer) can be.
    pub(crate) fn most(&self) -> f32 {
        127.0 * (1.0 + TITLES) * self.counts.iter().sum::<f32>()
    }

    /// How well what stands for a note answers it; 0 for an empty place.
    pub(crate) fn answer(&self, slot: &[u8]) -> f32 {
        let (numbers, _) = slot.as_chunks::<2>();
        let mut numbers = numbers.iter().map(|n| usize::from(u16::from_le_bytes(*n)));
        let of_title = numbers.next().unwrap_or(0);
        let all = numbers.next().unwrap_or(0);
        let mut best = [0_u8; ASKED];
        let mut of_the_title = best;
        for (at, row) in numbers.take(all).enumerate() {
            if at == of_title {
                of_the_title = best;
            }
            if let Some(likeness) = self.likeness.get(row) {
                for (best, likeness) in best.iter_mut().zip(likeness) {
                    *best = (*best).max(*likeness);
                }
            }
        }
        if of_title == all {
            of_the_title = best;
        }
        let share = |(count, (any, title)): (&f32, (&u8, &u8))| {
            count * (f32::from(*any) + TITLES * f32::from(*title))
        };
        self.counts.iter().zip(best.iter().zip(&of_the_title)).map(share).sum()
    }
}

fn dot(a: &[u8], b: &[u8]) -> i32 {
    let signed = |x: &u8| i16::from(x.cast_signed());
    a.iter().zip(b).map(|(a, b)| i32::from(signed(a) * signed(b))).sum()
}

/// The table, as it lies in the program.
struct Table {
    size: usize,
    /// Where each token begins, little-endian.
    starts: &'static [[u8; 4]],
    /// What each counts, little-endian.
    counts: &'static [[u8; 4]],
    matrix: &'static [u8],
    /// Sorted.
    tokens: &'static [u8],
}

fn table() -> Option<&'static Table> {
    static TABLE: OnceLock<Option<Table>> = OnceLock::new();
    TABLE.get_or_init(|| Table::of(include_bytes!("../table/embedding.bin"))).as_ref()
}

impl Table {
    /// The layout is told in `table/make.py`.
    fn of(bytes: &'static [u8]) -> Option<Table> {
        let bytes = bytes.strip_prefix(b"ARE2")?;
        let (numbers, _) = bytes.as_chunks::<4>();
        let size = u32::from_le_bytes(*numbers.first()?) as usize;
        if u32::from_le_bytes(*numbers.get(1)?) as usize != DIMENSIONS {
            return None;
        }
        let starts = numbers.get(2..size + 3)?;
        let counts = numbers.get(size + 3..2 * size + 3)?;
        let rest = bytes.get(4 * (2 * size + 3)..)?;
        let (matrix, tokens) = rest.split_at_checked(size * DIMENSIONS)?;
        Some(Table { size, starts, counts, matrix, tokens })
    }

    fn token(&self, row: usize) -> &'static [u8] {
        let at = |row: usize| self.starts.get(row).map_or(0, |at| u32::from_le_bytes(*at) as usize);
        self.tokens.get(at(row)..at(row + 1)).unwrap_or_default()
    }

    fn count(&self, row: usize) -> f32 {
        self.counts.get(row).map_or(0.0, |count| f32::from_le_bytes(*count))
    }

    fn direction(&self, row: usize) -> &'static [u8] {
        self.matrix.get(row * DIMENSIONS..(row + 1) * DIMENSIONS).unwrap_or_default()
    }

    fn row_of(&self, token: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.size);
        while low < high {
            let middle = low.midpoint(high);
            match self.token(middle).cmp(token) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// Adds the rows of a text's words, none twice, until there are `most`.
    fn rows_of(&self, text: &str, most: usize, rows: &mut Vec<usize>) {
        for word in words(text) {
            for row in self.pieces(&word) {
                if rows.len() >= most {
                    return;
                }
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
    }

    /// The rows of a word's pieces, each the longest that the vocabulary has (`WordPiece`,
    /// Wu et al., 2016). A word that cannot be had in pieces says nothing.
    fn pieces(&self, word: &str) -> Vec<usize> {
        let mut rows = Vec::new();
        let mut begin = 0;
        let mut piece = Vec::new();
        while begin < word.len() && word.len() <= LETTERS {
            let mut ends = (begin + 1..=word.len()).rev().filter(|end| word.is_char_boundary(*end));
            let found = ends.find_map(|end| {
                piece.clear();
                piece.extend_from_slice(if begin > 0 { b"##" } else { b"" });
                piece.extend_from_slice(&word.as_bytes()[begin..end]);
                self.row_of(&piece).map(|row| (row, end))
            });
            let Some((row, end)) = found else { return Vec::new() };
            rows.push(row);
            begin = end;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(question: &str, note: &str) -> f32 {
        Question::of(question).unwrap().answer(&slot("", note))
    }

    #[test]
    fn the_table_is_whole_and_sorted() {
        let table = table().unwrap();
        assert!(table.size > 28_000);
        assert!((1..table.size).all(|row| table.token(row - 1) < table.token(row)));
        assert_eq!(table.matrix.len(), table.size * DIMENSIONS);
        assert!(table.row_of(b"learning").is_some() && table.row_of(b"##ing").is_some());
        assert_eq!(table.row_of(b"[CLS]"), None);
        assert!(table.count(table.row_of(b"new").unwrap()) < 0.3);
        assert!(table.count(table.row_of(b"gpu").unwrap_or(0)) > 0.5);
    }

    #[test]
    fn the_same_in_other_words_is_nearer_than_something_else() {
        let memory = "CUDA out of memory at depth 16";
        assert!(
            like("ran out of GPU RAM", memory) > like("ran out of GPU RAM", "a longer warm-up")
        );
        assert!(like("slow SQL", "a database query takes long") > like("slow SQL", "ReLU squared"));
    }

    #[test]
    fn a_word_of_the_title_counts_more() {
        let question = Question::of("batch").unwrap();
        assert!(question.answer(&slot("batch", "size")) > question.answer(&slot("size", "batch")));
        assert!(question.answer(&slot("size", "batch")) > question.answer(&slot("size", "garden")));
    }

    #[test]
    fn case_accents_and_signs_make_no_difference() {
        assert_eq!(slot("LEARNING_RATE: déjà-vu!", ""), slot("learning rate deja vu", ""));
        assert!(Question::of("").is_none() && Question::of("–– the of").is_none());
        assert!(Question::of("x").unwrap().answer(&[0; SLOT]) < f32::EPSILON);
    }

    #[test]
    fn a_long_note_is_cut_and_no_word_breaks_it() {
        let words: Vec<String> = (0..10_000).map(|n| format!("word{n}")).collect();
        let long = words.join(" ");
        assert_eq!(slot(&long, &long).len(), SLOT);
        assert!(Question::of(&long).unwrap().answer(&slot(&long, "")) > 0.0);
        assert_eq!(slot(&"x".repeat(10_000), ""), [0; SLOT]);
    }
}
