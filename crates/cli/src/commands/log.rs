//! `autoresearch log`: the experiments, a line each.

use autoresearch::View;
use autoresearch::report::{Style, experiment_line};

use crate::args::{Global, LogArgs};
use crate::exit::{BadInput, Exit};
use crate::output;

pub(crate) fn run(global: &Global, args: &LogArgs) -> anyhow::Result<Exit> {
    let view = View::open(&global.directory, args.session.tag.as_deref())?;
    let only = match args.only.as_deref() {
        None | Some("keep" | "discard" | "crash") => args.only.as_deref(),
        Some(other) => {
            let message = format!("`{other}` is no verdict");
            return Err(BadInput::new(message, "use `keep`, `discard` or `crash`").into());
        }
    };
    let mut entries = view.entries(0)?;
    entries.retain(|entry| only.is_none_or(|only| entry.verdict.to_string() == only));
    let skip = args.last.map_or(0, |last| entries.len().saturating_sub(last));
    for entry in &entries[skip..] {
        let point = view.point(entry);
        if global.json {
            output::json(&point)?;
        } else {
            output::line(&experiment_line(&point, view.plan().direction, Style::Colour))?;
        }
    }
    Ok(Exit::Success)
}
