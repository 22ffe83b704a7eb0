//! From the configuration to who proposes, and what that may cost.

use std::path::Path;

use autoresearch_config::Config;
use autoresearch_core::agent::Price;
use autoresearch_core::spent::Allowance;
use autoresearch_models::{Form, Model, Provider, Wanted};
use autoresearch_propose::{Command, Proposer, Search};

use crate::agents;
use crate::error::EngineError;
use crate::places::Places;

/// Names that mean the queue and nobody besides.
const QUEUE: &str = "queue";

/// Names that are not agents'.
const BUILT_IN: [&str; 4] = ["search", "command", MODEL, QUEUE];

/// The name of the model behind an API.
const MODEL: &str = "model";

/// Whether every proposer that the configuration names exists, and can be
/// asked; what is worth knowing of them.
pub(crate) fn check(config: &Config, root: &Path) -> Result<Vec<String>, EngineError> {
    let mut notes = Vec::new();
    for name in &config.propose.proposer {
        if name == MODEL {
            check_model(config)?;
        } else if !BUILT_IN.contains(&name.as_str()) {
            notes.extend(agents::check(name, config, root, &BUILT_IN)?);
        }
    }
    Ok(notes)
}

fn check_model(config: &Config) -> Result<(), EngineError> {
    if let Some(misfit) = model(config).misfit() {
        return Err(misfit.clone().into());
    }
    match &config.model.key_env {
        Some(name) if !autoresearch_run::is_secret(name.as_ref()) => {
            Err(EngineError::KeyInSight(name.clone()))
        }
        _ => Ok(()),
    }
}

/// The model that the configuration describes, its key from the environment.
fn model(config: &Config) -> Model {
    let given = &config.model;
    let wanted = Wanted {
        provider: given.provider.as_deref().and_then(Provider::named),
        name: given.name.clone().or_else(|| config.propose.model.clone()),
        base_url: given.base_url.clone(),
        key_env: given.key_env.clone(),
        form: Form::named(&given.format).unwrap_or_default(),
        max_tokens: given.max_tokens,
        temperature: given.temperature,
        price: Price {
            input: given.price_in.unwrap_or_default(),
            cached: given.price_cached,
            output: given.price_out.unwrap_or_default(),
        },
    };
    Model::new(wanted, &|name| std::env::var(name).ok())
}

/// The proposers that the configuration names; none for the queue alone.
/// `confined` is whether the desk's programs run behind walls.
pub(crate) fn of(config: &Config, places: &Places, confined: bool) -> Vec<Box<dyn Proposer>> {
    let named = |name: &String| -> Option<Box<dyn Proposer>> {
        match name.as_str() {
            QUEUE => None,
            "search" => Some(Box::new(Search::default())),
            "command" => {
                let command = config.propose.command.clone()?;
                Some(Box::new(Command::new(command, places.scratch())))
            }
            MODEL => Some(Box::new(model(config))),
            name => {
                let agent = agents::of(name, config, places, confined)?;
                Some(Box::new(agent))
            }
        }
    };
    config.propose.proposer.iter().filter_map(named).collect()
}

/// What all proposals of a session may cost.
pub(crate) fn allowance(config: &Config) -> Allowance {
    let propose = &config.propose;
    Allowance {
        dollars: propose.max_dollars,
        tokens: propose.max_tokens,
        seconds: propose.max_time.map(|time| time.as_secs_f64()),
    }
}

/// What one proposal may cost.
pub(crate) fn allowance_each(config: &Config) -> Allowance {
    let propose = &config.propose;
    Allowance {
        dollars: propose.max_dollars_each,
        tokens: propose.max_tokens_each,
        seconds: Some(propose.timeout.as_secs_f64()),
    }
}
