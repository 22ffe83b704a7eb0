//! `autoresearch trust N`: a person overrules a suspicion.

use autoresearch::View;
use autoresearch::core::experiment::Verdict;
use autoresearch::core::judge::Rule;
use autoresearch::ledger::Message;

use crate::args::{Global, TrustArgs};
use crate::exit::{BadInput, Exit};
use crate::output;

pub(crate) fn run(global: &Global, args: &TrustArgs) -> anyhow::Result<Exit> {
    let view = View::open(&global.directory, args.session.tag.as_deref())?;
    let number = args.number;
    // An error where there is no such experiment.
    let experiment = view.experiment(number)?;
    let rule = view.entry(number)?.map(|entry| entry.rule);
    if rule != Some(Rule::Suspect) || experiment.verdict() != Some(Verdict::Discard) {
        let message = match rule {
            Some(Rule::Suspect) => format!("experiment {number} was kept already"),
            Some(Rule::Trusted) => format!("experiment {number} was trusted already"),
            _ => format!("experiment {number} is not held as suspect"),
        };
        return Err(BadInput::new(message, "see `autoresearch status` for those that are").into());
    }
    if view.queue()?.iter().any(|queued| queued.trusts == Some(number)) {
        let message = format!("experiment {number} is queued already");
        return Err(BadInput::new(message, "see `autoresearch hypothesis list`").into());
    }
    if !args.dry_run {
        view.post(&Message::Trust { number })?;
    }
    let when = match view.engine()? {
        Some(_) => "next",
        None => "first on `autoresearch resume`",
    };
    if global.json {
        output::json(&serde_json::json!({ "trusted": number, "dry_run": args.dry_run }))?;
    } else {
        let would = if args.dry_run { "would run" } else { "runs" };
        let hypothesis = &experiment.hypothesis;
        output::line(&format!("#{number} {would} again {when}, unsuspected: {hypothesis}"))?;
    }
    Ok(Exit::Success)
}
