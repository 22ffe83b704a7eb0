//! From a proposer's name to the proposer.

use autoresearch_config::Config;
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
