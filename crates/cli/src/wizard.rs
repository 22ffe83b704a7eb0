//! Asks for what is missing (SPEC B2), with answers found in the repository.
//! Without a terminal nothing is asked: what is missing is an error that names
//! flag and key.

use std::io::IsTerminal as _;

use autoresearch::EngineError;
use autoresearch::config::{Config, Layers, Origin, table};
use autoresearch::core::metric::Direction;
use autoresearch::core::preset::Preset;
use inquire::{Confirm, InquireError, Select, Text};

use crate::exit::Answer;
use crate::output;
use crate::settings::{Settings, likely_direction};

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for what is missing, in the order of the Research Config.
///
/// # Errors
/// When the user goes away.
pub(crate) fn fill(settings: &mut Settings) -> anyhow::Result<()> {
    while let Some(missing) = settings.layers.missing().first().copied() {
        let answer = if missing.key == "metric.direction" {
            ask_direction(missing.question, &settings.layers)?
        } else {
            say_what_measures(missing.key, &settings.layers);
            let offered = settings.suggestions.iter().find(|found| found.key == missing.key);
            ask(missing.question, offered.map(|found| found.value.as_str()))?
        };
        match settings.layers.set(missing.key, &answer, Origin::Asked) {
            Ok(()) => {}
            Err(error) => output::note(&error.render(false)),
        }
    }
    Ok(())
}

/// Of a command that a preset needs, an example.
fn say_what_measures(key: &str, layers: &Layers) {
    let preset = layers.text("metric.preset").filter(|_| key == "run.command");
    if let Some(preset) = preset.and_then(|name| Preset::named(&name))
        && let Some(example) = preset.example()
    {
        output::note(&format!("{} measures {}; as `{example}`", preset.name, preset.about));
    }
}

/// Asks for the inputs that have defaults, too: what `init` does.
///
/// # Errors
/// When the user goes away.
pub(crate) fn fill_all(settings: &mut Settings) -> anyhow::Result<()> {
    for (key, question) in [
        ("target", "Which file is under experiment?"),
        ("read_only", "Which files may be read and never changed (empty for none)?"),
        ("run.command", "Which command runs one experiment?"),
    ] {
        offer(settings, key, question)?;
    }
    fill(settings)?;
    for (key, question) in [
        ("iterations", "How many experiments at most (or `unlimited`)?"),
        ("scope", "What may change: architecture, hyperparameters, optimizer or all?"),
        ("results", "Where does the table of results go?"),
    ] {
        offer(settings, key, question)?;
    }
    Ok(())
}

fn offer(settings: &mut Settings, key: &str, question: &str) -> anyhow::Result<()> {
    if matches!(settings.layers.origin(key), Some(Origin::File { .. } | Origin::Flag(_))) {
        return Ok(());
    }
    loop {
        let current = settings.layers.text(key);
        let answer = ask(question, current.as_deref())?;
        if Some(&answer) == current.as_ref() || (answer.is_empty() && current.is_none()) {
            return Ok(());
        }
        match settings.layers.set(key, &answer, Origin::Asked) {
            Ok(()) => return Ok(()),
            Err(error) => output::note(&error.render(false)),
        }
    }
}

fn ask(question: &str, offered: Option<&str>) -> anyhow::Result<String> {
    let mut prompt = Text::new(question);
    if let Some(offered) = offered {
        prompt = prompt.with_initial_value(offered);
    }
    Ok(prompt.prompt().map_err(gone)?.trim().to_owned())
}

/// Asks for a ready-made metric.
///
/// # Errors
/// When the user goes away.
pub(crate) fn ask_preset() -> anyhow::Result<&'static str> {
    let shown = Preset::ALL.iter().map(|preset| format!("{}: {}", preset.name, preset.about));
    let question = "Which number is to become better?";
    let answer = Select::new(question, shown.collect()).raw_prompt().map_err(gone)?;
    Ok(Preset::ALL.get(answer.index).map_or("", |preset| preset.name))
}

fn ask_direction(question: &str, layers: &Layers) -> anyhow::Result<String> {
    let name = layers.text("metric.name").unwrap_or_default();
    let start = usize::from(likely_direction(&name) == Some(Direction::Maximize));
    let choices = vec!["minimize", "maximize"];
    let answer =
        Select::new(question, choices).with_starting_cursor(start).prompt().map_err(gone)?;
    Ok(answer.to_owned())
}

/// Shows the Research Config and asks whether to go on (SPEC B4).
///
/// # Errors
/// [`Answer::Declined`].
pub(crate) fn confirm(
    config: &Config,
    layers: &Layers,
    platform: &[(&'static str, String)],
    question: &str,
) -> anyhow::Result<()> {
    show(config, layers, platform)?;
    if !can_ask() {
        let message = "nobody is there to confirm the configuration";
        return Err(crate::exit::BadInput::new(message, "look it over and pass `--yes`").into());
    }
    if yes(question)? { Ok(()) } else { Err(Answer::Declined.into()) }
}

/// Asks a question that is answered yes or no; no unless told otherwise.
///
/// # Errors
/// When the user goes away.
pub(crate) fn yes(question: &str) -> anyhow::Result<bool> {
    Confirm::new(question).with_default(false).prompt().map_err(gone)
}

/// What it runs on, where nothing is adjusted for it.
pub(crate) fn platform() -> Vec<(&'static str, String)> {
    vec![("Platform", autoresearch::run::platform::describe())]
}

/// Prints the Research Config as a table; `platform` has the rows that say what
/// it runs on.
///
/// # Errors
/// When stdout is closed.
pub(crate) fn show(
    config: &Config,
    layers: &Layers,
    platform: &[(&'static str, String)],
) -> anyhow::Result<()> {
    let mut rows: Vec<(String, String, String)> = table(config, layers)
        .into_iter()
        .map(|row| (row.label.to_owned(), row.value, row.origin))
        .collect();
    let tag = config.tag.clone().unwrap_or_else(|| "<date>".to_owned());
    rows.push(("Branch".to_owned(), autoresearch::Places::branch(&tag), String::new()));
    rows.extend(
        platform
            .iter()
            .map(|(label, value)| ((*label).to_owned(), value.clone(), "detected".to_owned())),
    );
    let width = |column: fn(&(String, String, String)) -> &String| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
    };
    let (labels, values) = (width(|row| &row.0), width(|row| &row.1).min(60));
    output::line("Research Config\n")?;
    for (label, value, origin) in &rows {
        let origin = if origin.is_empty() { String::new() } else { format!("  ({origin})") };
        output::line(format!("  {label:labels$}  {value:values$}{origin}").trim_end())?;
    }
    output::line("")
}

fn gone(error: InquireError) -> anyhow::Error {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            Answer::Interrupted.into()
        }
        other => other.into(),
    }
}

/// The configuration as meant, or what is missing.
///
/// # Errors
/// All that is missing or wrong.
pub(crate) fn resolve(layers: &Layers) -> anyhow::Result<Config> {
    Ok(layers.resolve().map_err(EngineError::Config)?)
}
