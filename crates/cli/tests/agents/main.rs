//! The real coding agents, real git, the real sandbox; only the model is a
//! script. One file a scenario.
//!
//! `install.sh` beside installs the agents in the versions that the presets
//! name; without them the tests say that they are skipped, or fail where
//! `AUTORESEARCH_AGENTS_REQUIRED` is set.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests are tests, too, and say what they skip"
)]

mod acp;
mod answers;
mod capped;
mod five;
mod lab;
mod mcp;
mod model;
mod refused;
mod stuck;
mod tools;
mod trouble;
