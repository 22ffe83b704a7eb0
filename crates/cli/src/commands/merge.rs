//! `autoresearch merge`: lists what was kept, asks, and lands it (SPEC F4).

use autoresearch::repo::{Landed, Style as Landing};
use autoresearch::report::{Style, experiment_line};
use autoresearch::{Landing as Plan, View, merge};
use inquire::Select;

use crate::args::{Global, MergeArgs};
use crate::exit::{Answer, BadInput, Exit};
use crate::{output, wizard};

pub(crate) fn run(global: &Global, args: &MergeArgs) -> anyhow::Result<Exit> {
    let view = View::open(&global.directory, args.session.tag.as_deref())?;
    if let Some(holder) = view.engine()? {
        let message = format!("the session still runs in process {}", holder.pid);
        return Err(BadInput::new(message, "end it with `autoresearch stop` first").into());
    }
    let plan = Plan::of(&view, args.onto.as_deref())?;
    if plan.kept.is_empty() {
        output::line("nothing was kept, so there is nothing to merge")?;
        return Ok(Exit::Success);
    }
    if !global.json {
        output::line(&format!("kept in {}, to go onto {}:\n", view.plan().tag, plan.onto))?;
        for experiment in &plan.kept {
            if let Some(entry) = view.entries(experiment.number)?.first() {
                let line =
                    experiment_line(&view.point(entry), view.plan().direction, Style::Colour);
                output::line(&format!("  {line}"))?;
            }
        }
        output::line("")?;
    }
    if args.dry_run {
        let how = if args.rebase { "a commit each" } else { "one commit" };
        output::line(&format!("would land {} changes as {how}", plan.kept.len()))?;
        return Ok(Exit::Success);
    }
    let style = style(args)?;
    let landed = merge(&view, &plan, style)?;
    let (commit, text) = match &landed {
        Landed::Moved(commit) => {
            (Some(commit.clone()), format!("{} is now at {}", plan.onto, commit.short()))
        }
        Landed::AlreadyThere => (None, format!("{} has all of it already", plan.onto)),
    };
    if global.json {
        output::json(&serde_json::json!({ "onto": plan.onto, "commit": commit }))?;
    } else {
        output::line(&format!("{text}; nothing was pushed"))?;
    }
    Ok(Exit::Success)
}

/// How to land, as flags or answers say. Without a terminal `--yes` squashes.
fn style(args: &MergeArgs) -> anyhow::Result<Landing> {
    let chosen = match (args.squash, args.rebase) {
        (true, _) => Some(Landing::Squash),
        (_, true) => Some(Landing::Rebase),
        _ => None,
    };
    if args.yes {
        return Ok(chosen.unwrap_or(Landing::Squash));
    }
    if !wizard::can_ask() {
        let message = "nobody is there to confirm the merge";
        return Err(BadInput::new(message, "pass `--yes` with `--squash` or `--rebase`").into());
    }
    if let Some(chosen) = chosen {
        return if wizard::yes("Merge?")? { Ok(chosen) } else { Err(Answer::Declined.into()) };
    }
    let choices = vec!["squash: one commit", "rebase: a commit each", "leave it"];
    match Select::new("How?", choices).raw_prompt() {
        Ok(answer) if answer.index == 0 => Ok(Landing::Squash),
        Ok(answer) if answer.index == 1 => Ok(Landing::Rebase),
        _ => Err(Answer::Declined.into()),
    }
}
