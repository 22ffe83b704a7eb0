//! `autoresearch.toml`: what a session is about, from wherever it was said.
//!
//! [`Layers`] collects values from the defaults inside the binary, what was
//! [`detect`]ed in the repository, files, the environment, flags and answers,
//! and remembers where each came from; [`Layers::resolve`] makes a [`Config`]
//! of them. Every key is described once, in [`KEYS`]: what it may hold, its
//! environment variable, its comment in a written file and its schema.
//!
//! Pure: the caller reads the files, the environment and the terminal.

mod agent;
mod budget;
mod check;
mod config;
pub mod detect;
mod error;
mod file;
mod keys;
mod layers;
mod read;
mod schema;
mod table;
mod text;
mod write;

pub use autoresearch_core::judge::{Mode, Suspects};
pub use autoresearch_core::stopping::EarlyStop;
pub use config::{
    Bundles, Checks, Config, Confine, Judge, Memory, Metric, Model, OnBudget, Propose, Run, Seeds,
    Stop,
};
pub use error::{ConfigError, Problem, What};
pub use keys::{KEYS, Key, Required};
pub use layers::{Layers, Missing, Origin, UnknownVariable};
pub use schema::schema;
pub use table::{Row, table};
pub use write::{to_toml, update};
