//! From the configuration to who proposes, and what that may cost.

use autoresearch_config::Config;
use autoresearch_core::spent::Allowance;
use autoresearch_propose::{Command, Proposer, Search};

use crate::error::EngineError;
use crate::places::Places;

/// Names that mean the queue and nobody besides.
const QUEUE: &str = "queue";

/// Names that are not agents'.
const BUILT_IN: [&str; 3] = ["search", "command", QUEUE];

/// Whether every proposer that the configuration names exists.
pub(crate) fn check(config: &Config) -> Result<(), EngineError> {
    match config.propose.proposer.iter().find(|name| !BUILT_IN.contains(&name.as_str())) {
        Some(name) => Err(EngineError::UnknownProposer {
            name: name.clone(),
            known: BUILT_IN.map(str::to_owned).to_vec(),
        }),
        None => Ok(()),
    }
}

/// The proposers that the configuration names; none for the queue alone.
pub(crate) fn of(config: &Config, places: &Places) -> Vec<Box<dyn Proposer>> {
    let named = |name: &String| -> Option<Box<dyn Proposer>> {
        match name.as_str() {
            "search" => Some(Box::new(Search::default())),
            "command" => {
                let command = config.propose.command.clone()?;
                Some(Box::new(Command::new(command, places.scratch())))
            }
            _ => None,
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

/// What one proposal may cost; its time is limited apart.
pub(crate) fn allowance_each(config: &Config) -> Allowance {
    let propose = &config.propose;
    Allowance { dollars: propose.max_dollars_each, tokens: propose.max_tokens_each, seconds: None }
}
