//! `autoresearch diff N [M]`.

use autoresearch::View;

use crate::args::{DiffArgs, Global};
use crate::exit::Exit;
use crate::output;

pub(crate) fn run(global: &Global, args: &DiffArgs) -> anyhow::Result<Exit> {
    let view = View::open(&global.directory, args.session.tag.as_deref())?;
    let diff = view.diff(args.number, args.other)?;
    if global.json {
        output::json(&serde_json::json!({ "diff": diff }))?;
    } else if !diff.is_empty() {
        output::foreign(diff.trim_end_matches('\n'))?;
    }
    Ok(Exit::Success)
}
