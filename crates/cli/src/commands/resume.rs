//! `autoresearch resume`: go on where a session rests or died.

use autoresearch::{Limit, View};

use crate::args::{Global, ResumeArgs};
use crate::exit::{BadInput, Exit};
use crate::signals;
use crate::watch::Watch;

pub(crate) fn run(global: &Global, args: &ResumeArgs) -> anyhow::Result<Exit> {
    let tag = args.tag.as_deref();
    let limit = match &args.iterations {
        None => Limit::Same,
        Some(text) => limit(global, tag, text)?,
    };
    let tried = View::open(&global.directory, tag)?.status()?.tally.total();
    let stop = signals::stop_on_signals()?;
    let mut watch = Watch::new(global.json);
    let outcome = autoresearch::resume(
        &global.directory,
        tag,
        limit,
        super::memory::default_place(),
        &mut watch,
        &stop,
    )?;
    drop(watch);
    super::run::finish(global, &outcome, tried)
}

/// `40`, `+20` or `unlimited`.
fn limit(global: &Global, tag: Option<&str>, text: &str) -> anyhow::Result<Limit> {
    if text == "unlimited" {
        return Ok(Limit::Unlimited);
    }
    let bad = || {
        BadInput::new(
            format!("`--iterations {text}` is no number"),
            "write `40`, `+20` for twenty more, or `unlimited`",
        )
    };
    match text.strip_prefix('+') {
        None => Ok(Limit::At(text.parse().map_err(|_| bad())?)),
        Some(more) => {
            let more: u64 = more.parse().map_err(|_| bad())?;
            let view = View::open(&global.directory, tag)?;
            let tally = view.status()?.tally;
            Ok(Limit::At(tally.total() + more))
        }
    }
}
