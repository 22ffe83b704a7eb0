//! What can be wrong with a config, and showing it where it stands.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::layers::{Missing, Origin};

/// All that is wrong with a config; never empty. Displays one line a problem,
/// as `autoresearch.toml:3: unknown key …`; [`ConfigError::render`] shows the
/// lines themselves.
#[derive(Clone, Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What is wrong.
    pub what: What,
    /// What to do about it, as an imperative or a question.
    pub hint: Option<String>,
    place: Place,
    /// A second place that has to do with it, and its part in it.
    other: Option<(Place, String)>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// The file is no TOML.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// A key that does not exist; the hint names the nearest that does.
    #[error("unknown key `{0}`")]
    UnknownKey(String),
    /// A value of another type than the key holds.
    #[error("`{key}` must be {expected}, not {found}")]
    WrongType {
        /// The key.
        key: String,
        /// What it may hold.
        expected: &'static str,
        /// What it was given.
        found: &'static str,
    },
    /// A value of the right type that cannot be used.
    #[error("`{key}`: {why}")]
    Unusable {
        /// The key.
        key: String,
        /// Why, and what would be accepted.
        why: String,
    },
    /// Two values that do not go together.
    #[error("{0}")]
    Conflict(String),
    /// A required key without a value.
    #[error("`{}` is missing: give {} or set it in autoresearch.toml", .0.key, .0.flag)]
    Missing(Missing),
    /// The table of keys and the types disagree: a defect of this program.
    #[error("the config does not fit its own types ({0}); please report this")]
    Defect(String),
}

/// Where a problem is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a file, as a range of bytes.
    Text(Arc<File>, Range<usize>),
    /// In a flag, an environment variable or an answer.
    Given(Origin),
    /// In no place: something is missing.
    Nowhere,
}

/// A file as it was handed in, without a byte order mark.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The line of a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }
}

impl Problem {
    pub(crate) fn new(what: What, place: Place) -> Problem {
        Problem { what, hint: None, place, other: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn other(mut self, place: Place, part: impl Into<String>) -> Problem {
        self.other = Some((place, part.into()));
        self
    }

    /// Where in its file it is; for problems in the order of the file.
    pub(crate) fn offset(&self) -> usize {
        match &self.place {
            Place::Text(_, span) => span.start,
            Place::Given(_) | Place::Nowhere => 0,
        }
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.what.to_string()));
        let hint = self.hint.as_deref();
        match &self.place {
            Place::Text(file, span) => {
                let mark = AnnotationKind::Primary.span(span.clone()).label(hint);
                let mut snippet = Snippet::source(&file.text).path(&file.path).annotation(mark);
                if let Some((Place::Text(other, span), part)) = &self.other
                    && Arc::ptr_eq(file, other)
                {
                    let mark = AnnotationKind::Context.span(span.clone()).label(part);
                    snippet = snippet.annotation(mark);
                }
                group = group.element(snippet);
            }
            Place::Given(origin) => {
                group = group.element(Level::NOTE.message(format!("from {origin}")));
                group = group.elements(hint.map(|hint| Level::HELP.message(hint)));
            }
            Place::Nowhere => group = group.elements(hint.map(|hint| Level::HELP.message(hint))),
        }
        match (&self.place, &self.other) {
            (_, None) => {}
            (Place::Text(one, _), Some((Place::Text(two, _), _))) if Arc::ptr_eq(one, two) => {}
            (_, Some((place, part))) => {
                group = group.element(Level::NOTE.message(format!("{place}: {part}")));
            }
        }
        renderer.render(&[group])
    }
}

impl ConfigError {
    /// An error of these problems; `Ok` when there are none.
    pub(crate) fn unless_empty(problems: Vec<Problem>) -> Result<(), ConfigError> {
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
    }

    /// What is wrong, in the order of the file; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The problems as a person wants to see them, with their lines and carets,
    /// and without a newline at the end. Colour is ANSI.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let parts: Vec<String> = self.problems.iter().map(|p| p.render(&renderer)).collect();
        parts.join("\n\n")
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> ConfigError {
        ConfigError { problems: vec![problem] }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Text(file, span) => write!(f, "{}:{}", file.path, file.line(span.start)),
            Place::Given(origin) => origin.fmt(f),
            Place::Nowhere => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.place, Place::Nowhere) {
            write!(f, "{}: ", self.place)?;
        }
        self.what.fmt(f)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if n > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
