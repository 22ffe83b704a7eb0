//! The one place where errors become text, and where JSON is printed.

use anstyle::{AnsiColor, Style};
use autoresearch::EngineError;
use autoresearch::memory::MemoryError;
use serde::Serialize;

use crate::exit::BadInput;

const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();
const CYAN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan))).bold();
const YELLOW: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow))).bold();

/// Prints an error with its hint to stderr.
pub(crate) fn report(error: &anyhow::Error) {
    if let Some(EngineError::Config(config)) = error.downcast_ref() {
        say(&config.render(true));
        return;
    }
    let (text, hint) = words(error);
    say(&format!("{RED}error{RED:#}: {text}"));
    if let Some(hint) = hint {
        say(&format!("{CYAN}hint{CYAN:#}: {hint}"));
    }
}

/// An error and its hint.
pub(crate) fn words(error: &anyhow::Error) -> (String, Option<String>) {
    if let Some(EngineError::Config(config)) = error.downcast_ref() {
        return (config.render(false), None);
    }
    // Their errors tell their causes themselves.
    if let Some(memory) = error.downcast_ref::<MemoryError>() {
        return (memory.to_string(), Some(memory.hint()));
    }
    let text = match error.downcast_ref::<EngineError>() {
        Some(error) => error.to_string(),
        None => format!("{error:#}"),
    };
    let hint = match (error.downcast_ref::<EngineError>(), error.downcast_ref::<BadInput>()) {
        (Some(error), _) => error.hint(),
        (_, Some(input)) => input.hint.clone(),
        _ => None,
    };
    (text, hint)
}

/// Prints a note to stderr.
pub(crate) fn note(text: &str) {
    say(&format!("{YELLOW}note{YELLOW:#}: {text}"));
}

/// A line to stderr. Where that is closed nobody reads it, and a session goes on:
/// `eprintln` would panic.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Prints a line to stdout; colours are dropped when it is piped.
///
/// # Errors
/// When stdout is closed.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    writeln!(anstream::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints what a stranger wrote, as a diff: as it is into a pipe, and with its
/// control characters made visible on a terminal, which would obey them.
///
/// # Errors
/// When stdout is closed.
pub(crate) fn foreign(text: &str) -> anyhow::Result<()> {
    use std::io::{IsTerminal as _, Write as _};
    let mut stdout = std::io::stdout().lock();
    if stdout.is_terminal() {
        writeln!(stdout, "{}", visible(text))?;
    } else {
        writeln!(stdout, "{text}")?;
    }
    Ok(())
}

/// Control characters as `^[`, in the notation of terminals; those above ASCII
/// as their code. Lines and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\0'..='\x1f' | '\x7f' => {
                shown.push('^');
                shown.push(char::from(u8::try_from(c).unwrap_or(b'?') ^ 0x40));
            }
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// When stdout is closed.
pub(crate) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Whether the reader of our output went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    // A pipe of the engine's is another matter, and never passed over in silence.
    !error.chain().any(<dyn std::error::Error>::is::<autoresearch::EngineError>)
        && error.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
        })
}

#[cfg(test)]
mod tests {
    #[test]
    fn control_characters_are_visible_and_lines_stay() {
        let shown = super::visible("a\t\x1b[2Jb\r\n\u{9b}c\x7f");
        assert_eq!(shown, "a\t^[[2Jb^M\n\\u{9b}c^?");
    }
}
