//! The proposer `model`: one request to a model's API, one proposal. The model
//! answers with blocks that search and replace, or with JSON by a schema; what
//! does not fit is told to it once, and it answers once more.
//!
//! Nothing here decides what a proposal is worth, and nothing here writes: the
//! edits are handed over as the new contents of files. The key goes into one
//! header of the request and nowhere else.

mod answer;
mod apply;
mod blocks;
mod failure;
mod http;
mod json;
mod model;
mod nearest;
mod prompt;
mod schema;
mod settings;
mod wire;

pub use model::Model;
pub use settings::{DEFAULT_MAX_TOKENS, Form, Misfit, Provider, Wanted};
