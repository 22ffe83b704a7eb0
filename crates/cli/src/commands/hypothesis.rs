//! `autoresearch hypothesis add|list|drop`: the queue that people fill
//! (SPEC I1).

use std::io::Read as _;

use anyhow::Context as _;
use autoresearch::View;
use autoresearch::core::session::Draft;
use autoresearch::ledger::Message;

use crate::args::{Global, HypothesisAction, HypothesisArgs};
use crate::exit::{BadInput, Exit};
use crate::{files, output};

pub(crate) fn run(global: &Global, args: &HypothesisArgs) -> anyhow::Result<Exit> {
    let view = View::open(&global.directory, args.tag.as_deref())?;
    match &args.action {
        HypothesisAction::Add { sentence, patch } => {
            let patch = patch.as_ref().map(|path| read(path)).transpose()?;
            let hypothesis = sentence.clone();
            view.post(&Message::Hypothesis { hypothesis, patch, by: None })?;
            let when = match view.engine()? {
                Some(_) => "the running session takes it next",
                None => "`autoresearch resume` takes it first",
            };
            if !global.json {
                output::line(&format!("queued: {sentence}; {when}"))?;
            }
        }
        HypothesisAction::List => {
            for draft in view.drafts()? {
                if global.json {
                    output::json(&draft)?;
                } else {
                    let Draft { hypothesis, proposer, .. } = draft;
                    output::line(&format!("–  {hypothesis} (written ahead by {proposer})"))?;
                }
            }
            for queued in view.queue()? {
                if global.json {
                    output::json(&queued)?;
                } else {
                    let patch = if queued.patch.is_some() { " (with a patch)" } else { "" };
                    output::line(&format!("{}  {}{patch}", queued.id, queued.hypothesis))?;
                }
            }
        }
        HypothesisAction::Drop { id } => {
            if !view.queue()?.iter().any(|queued| queued.id == *id) {
                let message = format!("no hypothesis {id} waits");
                return Err(BadInput::new(message, "see `autoresearch hypothesis list`").into());
            }
            view.post(&Message::Drop { id: *id })?;
        }
    }
    Ok(Exit::Success)
}

fn read(path: &std::path::Path) -> anyhow::Result<String> {
    if path.as_os_str() != "-" {
        return files::read_patch(path);
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("failed to read the patch from stdin")?;
    String::from_utf8(bytes)
        .map_err(|_| BadInput::new("the patch is not UTF-8", "give a patch as text").into())
}
