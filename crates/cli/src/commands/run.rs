//! `autoresearch run`: a session from configuration to report.

use anyhow::Context as _;
use autoresearch::config::{Config, Origin};
use autoresearch::{EngineError, Outcome, SystemExperiment};

use crate::args::{Global, RunArgs};
use crate::exit::{BadInput, Exit};
use crate::settings::Settings;
use crate::watch::Watch;
use crate::{output, settings, signals, wizard};

pub(crate) fn run(global: &Global, args: &RunArgs) -> anyhow::Result<Exit> {
    let mut settings = settings::gather(&global.directory, &args.config)?;
    if wizard::can_ask() && !args.dry_run {
        wizard::fill(&mut settings)?;
    }
    let mut config = wizard::resolve(&settings.layers)?;
    let mut experiment = experiment(&settings, &config, args)?;
    // Checked before anybody is asked to confirm it.
    let mut would = experiment.dry_run()?;
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
            would = experiment.dry_run()?;
        }
    }
    if args.dry_run {
        if global.json {
            let (notes, actions) = (would.notes, would.actions);
            let platform: std::collections::BTreeMap<_, _> = would.platform.into_iter().collect();
            output::json(
                &serde_json::json!({ "config": config, "platform": platform, "notes": notes, "would": actions }),
            )?;
        } else {
            wizard::show(&config, &settings.layers, &would.platform)?;
            would.notes.iter().for_each(|note| output::note(note));
            output::line("It would:")?;
            for action in would.actions {
                output::line(&format!("- {action}"))?;
            }
        }
        return Ok(Exit::Success);
    }
    if args.yes {
        if !global.json {
            wizard::show(&config, &settings.layers, &would.platform)?;
        }
    } else {
        wizard::confirm(&config, &settings.layers, &would.platform, "Begin?")?;
    }
    let stop = signals::stop_on_signals()?;
    let mut watch = Watch::new(global.json);
    let outcome = experiment.run_session(&mut watch, &stop)?;
    drop(watch);
    finish(global, &outcome)
}

fn experiment(
    settings: &Settings,
    config: &Config,
    args: &RunArgs,
) -> anyhow::Result<SystemExperiment> {
    let mut experiment = SystemExperiment::from_config(settings.repo.root(), config.clone());
    if let Some(vault) = super::memory::default_place() {
        experiment = experiment.vault(vault);
    }
    for (sentence, patch) in hypotheses(args)? {
        experiment = match patch {
            Some(patch) => experiment.patch(&sentence, &patch),
            None => experiment.hypothesis(&sentence),
        };
    }
    Ok(experiment)
}

/// What is said and asked once a session rests (SPEC F4).
pub(crate) fn finish(global: &Global, outcome: &Outcome) -> anyhow::Result<Exit> {
    let view = outcome.view();
    if !global.json {
        super::report::print(view)?;
        if let Some(written) = outcome.written() {
            output::line(&format!(
                "\nlearned: {} notes and {} lessons in {} (`autoresearch memory search`)",
                written.experiments,
                written.lessons,
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
        let bytes =
            std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            BadInput::new(format!("{} is not UTF-8", path.display()), "give a patch as text")
        })?;
        patches.push(text);
    }
    let count = args.hypothesis.len().max(patches.len());
    Ok((0..count)
        .map(|at| (args.hypothesis.get(at).cloned().unwrap_or_default(), patches.get(at).cloned()))
        .collect())
}
