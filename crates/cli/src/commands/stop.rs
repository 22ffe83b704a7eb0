//! `autoresearch stop`: from another terminal.

use autoresearch::View;
use autoresearch::ledger::Message;

use crate::args::{Global, StopArgs};
use crate::exit::{BadInput, Exit};
use crate::output;

pub(crate) fn run(global: &Global, args: &StopArgs) -> anyhow::Result<Exit> {
    let view = View::open(&global.directory, args.session.tag.as_deref())?;
    let Some(holder) = view.engine()? else {
        let message = format!("no engine runs the session {}", view.plan().tag);
        return Err(BadInput::new(message, "see `autoresearch status`").into());
    };
    view.post(&Message::Stop { now: args.now })?;
    let when = if args.now { "now" } else { "after its current experiment" };
    if global.json {
        output::json(&serde_json::json!({ "asked": holder, "now": args.now }))?;
    } else {
        output::line(&format!("asked process {} to stop {when}", holder.pid))?;
    }
    Ok(Exit::Success)
}
