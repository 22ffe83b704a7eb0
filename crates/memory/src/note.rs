//! A note: Markdown below a few lines of YAML, as Obsidian and many others read it.

use std::collections::BTreeMap;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::redact::Private;

/// Front matter is no longer than this; what begins with `---` and goes on is text.
const FRONT: usize = 64 << 10;

/// Longest name of a note, in bytes without its extension: far below what file systems
/// allow, and no shorter than what a session gives.
pub(crate) const NAME: usize = 128;

/// What a note is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One experiment and all that came of it.
    Experiment,
    /// What a session taught.
    Lesson,
    /// Where a session ended, for the next one.
    Handoff,
    /// The page of a repository that every proposer reads.
    Hot,
    /// Anything else, as a person's own.
    #[default]
    Note,
}

impl Kind {
    /// Its name, as front matter has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Experiment => "experiment",
            Kind::Lesson => "lesson",
            Kind::Handoff => "handoff",
            Kind::Hot => "hot",
            Kind::Note => "note",
        }
    }
}

/// The metric of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// `lower is better` or `higher is better`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<String>,
    /// Its value: the mean of the runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The incumbent's before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
    /// The difference, positive when better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
}

/// On what a verdict is based.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The metric of every run that counts, in order.
    pub runs: Vec<f64>,
    /// Probability that the change helps, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likely_better: Option<f64>,
    /// Standard error of the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// Seconds that its runs took together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// The lines between the `---`. All may be missing where a person wrote them; fields
/// that are not known are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// What it is.
    pub kind: Kind,
    /// In one line.
    pub title: String,
    /// When it was written or, of an experiment, settled; RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Name of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// What it has in common with all its clones: its first commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<String>,
    /// Tag of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Unique id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Number of the experiment; of a lesson, of the last one that it knows of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<u64>,
    /// The files under experiment.
    #[serde(deserialize_with = "several", skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
    /// What was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<String>,
    /// What sort of change it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Who proposed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposer: Option<String>,
    /// Its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The commit that it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// `keep`, `discard` or `crash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it crashed, as `oom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash: Option<String>,
    /// What it was judged by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Measured>,
    /// Everything else that its runs reported, on average.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// On what the verdict is based.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What one run got, as `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// What it ran on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What a lesson is about, as `optimizer/lr`: one of the same topic takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// What a lesson says of its topic, as `helped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stance: Option<String>,
    /// Links to notes that this one takes the place of, as `[[name]]`.
    #[serde(deserialize_with = "several", skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<String>,
    /// Tags as Obsidian has them, without `#`.
    #[serde(deserialize_with = "several", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whatever else a person wrote there.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// A list as people write it: also one thing without its brackets, or nothing at all.
struct Several;

impl<'de> Visitor<'de> for Several {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list, or one word")
    }

    fn visit_unit<E>(self) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_str<E>(self, one: &str) -> Result<Vec<String>, E> {
        Ok(vec![one.to_owned()])
    }

    fn visit_u64<E>(self, one: u64) -> Result<Vec<String>, E> {
        Ok(vec![one.to_string()])
    }

    fn visit_i64<E>(self, one: i64) -> Result<Vec<String>, E> {
        Ok(vec![one.to_string()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element::<Option<String>>()? {
            all.extend(one);
        }
        Ok(all)
    }
}

fn several<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    from.deserialize_any(Several)
}

/// A note of a vault.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// Its file without `.md`; unique in a vault, and what `[[links]]` name.
    pub name: String,
    /// The lines between the `---`.
    pub meta: Meta,
    /// The Markdown below them.
    pub body: String,
}

impl Note {
    /// Reads a file. One without front matter is a note by a person; its title is its
    /// first heading, or else its name.
    ///
    /// # Errors
    /// What is wrong with the front matter, and where.
    pub fn parse(name: &str, text: &str) -> Result<Note, String> {
        let text = plain(text);
        let (mut meta, body) = match front(&text) {
            None => (Meta::default(), text.as_str()),
            Some((front, body)) if front.trim().is_empty() => (Meta::default(), body),
            Some((front, body)) => {
                let meta = serde_saphyr::from_str::<Meta>(front);
                (meta.map_err(|error| first_line(&error.to_string()))?, body)
            }
        };
        if meta.title.trim().is_empty() {
            let heading = body.lines().find_map(|line| line.strip_prefix("# "));
            heading.unwrap_or(name).trim().clone_into(&mut meta.title);
        }
        Ok(Note { name: name.to_owned(), meta, body: body.trim_start_matches('\n').to_owned() })
    }

    /// As a file has it.
    pub fn to_markdown(&self) -> String {
        let front = serde_saphyr::to_string(&self.meta).unwrap_or_default();
        // Its last line may end in white space that belongs to a value.
        let front = front.strip_suffix('\n').unwrap_or(&front);
        format!("---\n{front}\n---\n\n{}\n", self.body.trim_end())
    }

    /// Without secrets and without paths of this machine.
    pub(crate) fn redacted(&self, private: &Private) -> Note {
        let meta = serde_json::to_value(&self.meta).unwrap_or_default();
        let meta = serde_json::from_value(private.redact_value(meta)).unwrap_or_default();
        // A name is what links and files have in common: whoever makes one of a text has
        // it redacted first, since a rule would take too much of what is left of it here.
        Note { name: slug(&self.name, NAME), meta, body: private.redact(&self.body) }
    }

    /// Its words without blocks of code, and the blocks of code.
    pub(crate) fn words_and_code(&self) -> (String, String) {
        let (mut words, mut code) = (String::new(), String::new());
        let mut fence: Option<&str> = None;
        for line in self.body.lines() {
            let mark = &line[..line.len() - line.trim_start_matches('`').len()];
            match fence {
                Some(open) if line.trim_end() == open => fence = None,
                Some(_) => {
                    code.push_str(line);
                    code.push('\n');
                }
                None if mark.len() >= 3 => fence = Some(mark),
                // The title says it.
                None if line.strip_prefix("# ").is_some_and(|h| h.trim() == self.meta.title) => {}
                None => {
                    words.push_str(line);
                    words.push('\n');
                }
            }
        }
        (words, code)
    }

    /// Its words in at most `most` bytes, without headings and empty lines.
    pub fn excerpt(&self, most: usize) -> String {
        let (words, _) = self.words_and_code();
        let lines = words.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        let mut text = lines.collect::<Vec<_>>().join(" ");
        if text.len() > most {
            text.truncate(text.floor_char_boundary(most));
            text.push('…');
        }
        text
    }
}

/// Text without what Windows adds to it.
pub(crate) fn plain(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// Front matter and body, where there is front matter.
pub(crate) fn front(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("---\n")?;
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return Some((&rest[..at], &rest[at + line.len()..]));
        }
        at += line.len();
        if at > FRONT {
            break;
        }
    }
    None
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// `text` as a part of a file's name that links can hold: lower-case letters, digits
/// and single dashes, at most `most` bytes, never empty.
pub fn slug(text: &str, most: usize) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() {
            // What is one already stays as it is: `İ` has a mark apart when it is small.
            slug.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() > most {
            slug.truncate(slug.floor_char_boundary(most));
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "x".to_owned() } else { slug.to_owned() }
}

/// The name in a link, as `a` of `[[a|b]]` and `[[a#c]]`.
pub(crate) fn linked(link: &str) -> &str {
    let inner = link.trim().trim_start_matches('[').trim_end_matches(']');
    inner.split(['|', '#']).next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SPEC J2.
    #[test]
    fn a_note_is_yaml_and_markdown() {
        let meta = Meta {
            kind: Kind::Lesson,
            title: "yes: it [works] # really".to_owned(),
            supersedes: vec!["[[older]]".to_owned()],
            tags: vec!["autoresearch/lesson".to_owned()],
            ..Meta::default()
        };
        let note = Note { name: "n".to_owned(), meta, body: "Text.\n".to_owned() };
        let text = note.to_markdown();
        assert_eq!(
            text,
            "---\nkind: lesson\ntitle: \"yes: it [works] # really\"\nsupersedes:\n- \"[[older]]\"\ntags:\n- autoresearch/lesson\n---\n\nText.\n"
        );
        assert_eq!(Note::parse("n", &text).unwrap(), note);
    }

    #[test]
    fn white_space_at_the_end_is_part_of_a_value() {
        let meta =
            Meta { title: "t".to_owned(), tags: vec!["a\u{2000}".to_owned()], ..Meta::default() };
        let note = Note { name: "n".to_owned(), meta, body: "b\n".to_owned() };
        assert_eq!(Note::parse("n", &note.to_markdown()).unwrap(), note);
    }

    #[test]
    fn what_a_person_wrote_is_read() {
        let note = Note::parse("idea", "# Try Lion\n\nSoon.\n").unwrap();
        assert_eq!((note.meta.kind, note.meta.title.as_str()), (Kind::Note, "Try Lion"));
        assert_eq!(Note::parse("idea", "").unwrap().meta.title, "idea");
        let windows = "\u{feff}---\r\ntitle: 3\r\nmood: good\r\ntags: [a, b]\r\n---\r\nx\r\n";
        let note = Note::parse("n", windows).unwrap();
        assert_eq!((note.meta.title.as_str(), note.body.as_str()), ("3", "x\n"));
        assert_eq!(note.meta.more["mood"], "good");
        let ruler = Note::parse("n", "---\nno end of it").unwrap();
        assert_eq!(ruler.body, "---\nno end of it");
    }

    #[test]
    fn a_list_may_be_one_thing_or_nothing() {
        for (written, list) in [
            (" mine", &["mine"][..]),
            ("", &[]),
            (" 2024", &["2024"]),
            (" [a, 7]", &["a", "7"]),
            ("\n- a\n-", &["a"]),
        ] {
            let text = format!("---\ntags:{written}\ntarget:{written}\n---\n");
            let meta = Note::parse("n", &text).unwrap().meta;
            assert_eq!(meta.tags, list, "{text}");
            assert_eq!(meta.target, list, "{text}");
        }
    }

    #[test]
    fn rubbish_between_the_lines_says_where() {
        for (text, part) in [
            ("---\ntitle: [a, b\n---\n", "line 1"),
            ("---\nkind: novel\n---\n", "novel"),
            ("---\nexperiment: many\n---\n", "line 1"),
            ("---\n- a\n- b\n---\n", "line 1"),
        ] {
            let why = Note::parse("n", text).unwrap_err();
            assert!(why.contains(part) && !why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn a_name_fits_files_and_links() {
        assert_eq!(slug("Raise LR: 0.1 -> 0.2!", 60), "raise-lr-0-1-0-2");
        assert_eq!(slug("../../etc", 60), "etc");
        assert_eq!(slug("…", 60), "x");
        assert_eq!(slug("İzmir", 60), "izmir");
        assert_eq!(slug("ééééé", 5), "éé");
        assert_eq!(linked("[[a b#c|d]]"), "a b");
    }

    #[test]
    fn code_is_told_from_words() {
        let body = "# T\n\nWhy.\n\n````diff\n```\n-a\n````\n\nEnd.\n".to_owned();
        let meta = Meta { title: "T".to_owned(), ..Meta::default() };
        let note = Note { name: "n".to_owned(), meta, body };
        assert_eq!(
            note.words_and_code(),
            ("\nWhy.\n\n\nEnd.\n".to_owned(), "```\n-a\n".to_owned())
        );
        assert_eq!(note.excerpt(100), "Why. End.");
        assert_eq!(note.excerpt(3), "Why…");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(
            title in "\\PC{1,40}", words in proptest::collection::vec("\\PC{0,200}", 0..4),
            number in proptest::option::of(0..u64::MAX >> 1),
            values in proptest::collection::btree_map("\\PC{1,10}", -1e300..1e300_f64, 0..3),
        ) {
            prop_assume!(!title.trim().is_empty());
            let meta = Meta {
                title, tags: words.clone(), experiment: number, metrics: values,
                reason: words.first().cloned(), ..Meta::default()
            };
            let note = Note { name: "n".to_owned(), meta, body: "b\n".to_owned() };
            prop_assert_eq!(Note::parse("n", &note.to_markdown()), Ok(note));
        }

        #[test]
        fn no_text_breaks_it(text in "(---\n)?[\\PC\n]{0,200}(\n---\n)?[\\PC\n]{0,50}") {
            if let Ok(note) = Note::parse("n", &text) {
                let _ = (note.excerpt(50), note.to_markdown());
            }
        }
    }
}
