//! The words of the page: one template a part, each of which a user can write anew.

use std::path::{Path, PathBuf};

use autoresearch_core::metric::significant;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};

use super::{page, text};

/// A part of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What is to be done.
    Task,
    /// What may be changed, what is protected and why, what a run gets.
    Rules,
    /// What runs run on.
    Platform,
    /// README and read-only files.
    Context,
    /// The targets with line numbers.
    Targets,
    /// Baseline, incumbent and noise.
    Standing,
    /// What earlier sessions left.
    Memory,
    /// Tests that do not pass.
    Failing,
    /// What was tried.
    Ledger,
    /// Where to look next, and why the last proposals were refused.
    Direction,
    /// How to answer.
    Answer,
}

impl Part {
    /// All of them, as a page has them: what changes least comes first, so that a
    /// model's cache of the beginning holds from one brief to the next.
    pub const ALL: [Part; 11] = [
        Part::Task,
        Part::Rules,
        Part::Platform,
        Part::Context,
        Part::Targets,
        Part::Standing,
        Part::Memory,
        Part::Failing,
        Part::Ledger,
        Part::Direction,
        Part::Answer,
    ];

    /// Name of its template's file.
    pub fn file(self) -> &'static str {
        match self {
            Part::Task => "task.md",
            Part::Rules => "rules.md",
            Part::Platform => "platform.md",
            Part::Context => "context.md",
            Part::Targets => "targets.md",
            Part::Standing => "standing.md",
            Part::Memory => "memory.md",
            Part::Failing => "failing.md",
            Part::Ledger => "ledger.md",
            Part::Direction => "direction.md",
            Part::Answer => "answer.md",
        }
    }

    /// The template that is used unless a user has one.
    pub fn built_in(self) -> &'static str {
        match self {
            Part::Task => include_str!("parts/task.md"),
            Part::Rules => include_str!("parts/rules.md"),
            Part::Platform => include_str!("parts/platform.md"),
            Part::Context => include_str!("parts/context.md"),
            Part::Targets => include_str!("parts/targets.md"),
            Part::Standing => include_str!("parts/standing.md"),
            Part::Memory => include_str!("parts/memory.md"),
            Part::Failing => include_str!("parts/failing.md"),
            Part::Ledger => include_str!("parts/ledger.md"),
            Part::Direction => include_str!("parts/direction.md"),
            Part::Answer => include_str!("parts/answer.md"),
        }
    }
}

/// A template that is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct TemplateError {
    /// The file, or the folder.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

/// The templates of all parts.
#[derive(Clone, Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Default for Templates {
    /// The built-in ones.
    fn default() -> Templates {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.unwrap_or_default());
        environment.add_filter("cell", |text: &str, most: Option<usize>| {
            text::cell(text, most.unwrap_or(160))
        });
        environment.add_filter("line", |text: &str, most: Option<usize>| {
            text::one_line(text, most.unwrap_or(300))
        });
        environment.add_filter("code", |text: &str, most: Option<usize>| {
            text::code(text, most.unwrap_or(300))
        });
        environment.add_filter("fence", |text: &str| text::fence(text));
        environment.add_filter("number", |value: Value| number(&value, false));
        environment.add_filter("signed", |value: Value| number(&value, true));
        environment.add_filter("percent", |value: Value| {
            f64::try_from(value).map_or_else(|_| "—".to_owned(), |p| format!("{:.0}%", p * 100.0))
        });
        for part in Part::ALL {
            // A test renders them all.
            let _ = environment.add_template(part.file(), part.built_in());
        }
        Templates { environment }
    }
}

/// `0.9979` or `+0.0012`; a dash for what is no number.
fn number(value: &Value, is_signed: bool) -> String {
    let Ok(number) = f64::try_from(value.clone()) else { return "—".to_owned() };
    let sign = if is_signed && number > 0.0 { "+" } else { "" };
    format!("{sign}{}", significant(number, if is_signed { 3 } else { 7 }))
}

impl Templates {
    /// The built-in templates with those of a folder in their places, each of which
    /// was rendered once.
    ///
    /// # Errors
    /// The first file that cannot be read or rendered, or is no part's.
    pub fn load(folder: &Path) -> Result<Templates, TemplateError> {
        let error = |path: PathBuf, message: String| TemplateError { path, line: None, message };
        let mut templates = Templates::default();
        let entries = std::fs::read_dir(folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|e| error(folder.to_owned(), format!("cannot be read: {e}")))?;
        let names = Part::ALL.map(Part::file);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || !name.to_lowercase().ends_with(".md") {
                continue;
            }
            if !names.contains(&name.as_str()) {
                let message =
                    format!("no part of a brief has this name; there are {}", names.join(", "));
                return Err(error(path, message));
            }
            let source = std::fs::read_to_string(&path)
                .map_err(|e| error(path.clone(), format!("cannot be read: {e}")))?;
            templates
                .environment
                .add_template_owned(name, source)
                .map_err(|e| wrong(folder, &path, &e))?;
        }
        for values in page::samples() {
            for part in Part::ALL {
                let rendered = templates.render(part, &values);
                rendered.map_err(|e| wrong(folder, &folder.join(part.file()), &e))?;
            }
        }
        Ok(templates)
    }

    /// A part with these values.
    pub(super) fn render(&self, part: Part, values: &Value) -> Result<String, minijinja::Error> {
        self.environment.get_template(part.file())?.render(values.clone())
    }
}

/// An error in the template at `path`, or in one that it includes.
fn wrong(folder: &Path, path: &Path, error: &minijinja::Error) -> TemplateError {
    let path = error.name().map_or_else(|| path.to_owned(), |name| folder.join(name));
    let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
    TemplateError { path, line: error.line(), message: format!("{}{detail}", error.kind()) }
}
