//! `autoresearch run`: a session from configuration to report.

use autoresearch::config::{Config, Origin};
use autoresearch::core::session::StopReason;
use autoresearch::core::units::counted;
use autoresearch::{DryRun, EngineError, Outcome, SystemExperiment};

use crate::args::{Global, RunArgs};
use crate::exit::Exit;
use crate::settings::Settings;
use crate::watch::Watch;
use crate::{files, output, settings, signals, wizard};

pub(crate) fn run(global: &Global, args: &RunArgs) -> anyhow::Result<Exit> {
    begin(global, settings::gather(&global.directory, &args.config)?, args)
}

/// Asks for what is missing, shows what would be, and runs it.
pub(crate) fn begin(
    global: &Global,
    mut settings: Settings,
    args: &RunArgs,
) -> anyhow::Result<Exit> {
    if wizard::can_ask() && !args.dry_run {
        wizard::fill(&mut settings)?;
    }
    let mut config = wizard::resolve(&settings.layers)?;
    let mut experiment = experiment(&settings, &config, args)?;
    // Checked before anybody is asked to confirm it.
    let mut would = experiment.dry_run_session()?;
    // Edits of the target are a question of their own (SPEC C3): `--yes` is no
    // answer to it.
    if !would.offered_edits.is_empty() && wizard::can_ask() && !args.yes && !args.dry_run {
        let edits = would.offered_edits.join(", ");
        let question = format!("Adjust the target for this machine before the baseline: {edits}?");
        if wizard::yes(&question)? {
            let set = settings.layers.set("run.adjust", "true", Origin::Asked);
            set.map_err(EngineError::Config)?;
            config = wizard::resolve(&settings.layers)?;
            experiment = self::experiment(&settings, &config, args)?;
            would = experiment.dry_run_session()?;
        }
    }
    if args.dry_run {
        return tell(global, &settings, would);
    }
    if args.yes {
        if !global.json {
            wizard::show(&would.config, &settings.layers, &would.platform)?;
        }
    } else {
        wizard::confirm(&would.config, &settings.layers, &would.platform, "Begin?")?;
    }
    let stop = signals::stop_on_signals()?;
    let mut watch = Watch::new(global.json);
    let outcome = experiment.run_session(&mut watch, &stop)?;
    drop(watch);
    finish(global, &outcome, 0)
}

/// Says what would happen.
fn tell(global: &Global, settings: &Settings, would: DryRun) -> anyhow::Result<Exit> {
    let DryRun { config, notes, actions, platform, .. } = would;
    if global.json {
        let platform: std::collections::BTreeMap<_, _> = platform.into_iter().collect();
        output::json(
            &serde_json::json!({ "config": config, "platform": platform, "notes": notes, "would": actions }),
        )?;
        return Ok(Exit::Success);
    }
    wizard::show(&config, &settings.layers, &platform)?;
    for note in &notes {
        output::note(note);
    }
    output::line("It would:")?;
    for action in actions {
        output::line(&format!("- {action}"))?;
    }
    Ok(Exit::Success)
}

fn experiment(
    settings: &Settings,
    config: &Config,
    args: &RunArgs,
) -> anyhow::Result<SystemExperiment> {
    let mut experiment = SystemExperiment::from_config(settings.repo.root(), config.clone());
    experiment = experiment.vault(super::memory::default_place());
    for (sentence, patch) in hypotheses(args)? {
        experiment = match patch {
            Some(patch) => experiment.patch(&sentence, &patch),
            None => experiment.hypothesis(&sentence),
        };
    }
    Ok(experiment)
}

/// What is said and asked once a session rests (SPEC F4); `tried` experiments were
/// settled before.
pub(crate) fn finish(global: &Global, outcome: &Outcome, tried: u64) -> anyhow::Result<Exit> {
    let view = outcome.view();
    if let StopReason::Rule(rule) = outcome.reason()
        && view.status()?.tally.total() == tried
    {
        output::note(&format!(
            "`{rule}` holds for what is there already: nothing was tried; ask for more with a session of another `--goal`, since one keeps the goals that it began with"
        ));
    }
    if !global.json {
        super::report::print(view)?;
        if let Some(written) = outcome.written() {
            output::line(&format!(
                "\nlearned: {} and {} in {} (`autoresearch memory search`)",
                counted(written.experiments, "note"),
                counted(written.lessons, "lesson"),
                written.vault.display()
            ))?;
        }
        let kept = view.kept()?;
        if kept.len() > 1 {
            output::line("\nmerge the kept changes with `autoresearch merge`")?;
        }
    }
    Ok(Exit::of_session(outcome.reason(), signals::was_interrupted()))
}

/// Sentences and patches, paired by their place.
fn hypotheses(args: &RunArgs) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let mut patches = Vec::new();
    for path in &args.patch {
        patches.push(files::read_patch(path)?);
    }
    let count = args.hypothesis.len().max(patches.len());
    Ok((0..count)
        .map(|at| (args.hypothesis.get(at).cloned().unwrap_or_default(), patches.get(at).cloned()))
        .collect())
}
