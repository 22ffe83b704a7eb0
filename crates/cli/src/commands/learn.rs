//! `autoresearch learn`: a session on a ready-made metric (SPEC A10). It is `run`
//! with other defaults.

use autoresearch::EngineError;
use autoresearch::config::Origin;
use autoresearch::core::preset::Preset;

use crate::args::{Global, LearnArgs};
use crate::commands::{presets, run};
use crate::exit::{BadInput, Exit};
use crate::settings::Settings;
use crate::{settings, wizard};

pub(crate) fn run(global: &Global, args: &LearnArgs) -> anyhow::Result<Exit> {
    if args.list {
        presets::list(global)?;
        return Ok(Exit::Success);
    }
    let mut run = args.run.clone();
    run.config.target.splice(0..0, args.targets.iter().cloned());
    // SPEC A4.
    run.config.defaults.push(("budget", "5m"));
    if !run.patch.is_empty() && run.patch.len() >= run.hypothesis.len() {
        run.config.defaults.push(("propose.proposer", "queue"));
    }
    let mut settings = settings::gather(&global.directory, &run.config)?;
    check_target(&settings)?;
    find_metric(&mut settings)?;
    run::begin(global, settings, &run)
}

/// What is worked on is said, never guessed.
fn check_target(settings: &Settings) -> Result<(), BadInput> {
    match settings.layers.origin("target") {
        None | Some(Origin::Detected(_)) => Err(BadInput::new(
            "what is to become better is not known",
            "name the files: `autoresearch learn 'src/**/*.py' --preset pylint`",
        )),
        Some(_) => Ok(()),
    }
}

/// A preset, or a metric of the user's own.
fn find_metric(settings: &mut Settings) -> anyhow::Result<()> {
    let layers = &mut settings.layers;
    if layers.origin("metric.preset").is_some() || layers.origin("metric.name").is_some() {
        return Ok(());
    }
    if !wizard::can_ask() {
        let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name).collect();
        return Err(BadInput::new(
            "which number is to become better is not known",
            format!(
                "pass `--preset` ({}; `autoresearch learn --list` says more), or `--metric` with `--command`",
                names.join(", ")
            ),
        )
        .into());
    }
    let preset = wizard::ask_preset()?;
    layers.set("metric.preset", preset, Origin::Asked).map_err(EngineError::Config)?;
    Ok(())
}
