//! `autoresearch verify`: the best of a resting session is measured again,
//! beside the baseline.

use autoresearch::{Verification, View};

use crate::args::{Global, VerifyArgs};
use crate::exit::Exit;
use crate::output::{json, line};
use crate::signals;
use crate::watch::Watch;

pub(crate) fn run(global: &Global, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let asked = Verification { runs: args.runs, against: args.against };
    let tag = args.tag.as_deref();
    if args.dry_run {
        let view = View::open(&global.directory, tag)?;
        let would = autoresearch::verify_dry_run(&view, &asked)?;
        if global.json {
            json(&serde_json::json!({ "would": would }))?;
            return Ok(Exit::Success);
        }
        line("It would:")?;
        for action in would {
            line(&format!("- {action}"))?;
        }
        return Ok(Exit::Success);
    }
    let stop = signals::stop_on_signals()?;
    let mut watch = Watch::new(global.json);
    let comparison = autoresearch::verify(&global.directory, tag, &asked, &mut watch, &stop)?;
    drop(watch);
    if global.json {
        json(&serde_json::json!({ "event": "compared", "comparison": comparison }))?;
    } else if let Some(comparison) = &comparison {
        line(&format!("\n{}: {comparison}", comparison.conclusion()))?;
    }
    Ok(if signals::was_interrupted() { Exit::Interrupted } else { Exit::Success })
}
