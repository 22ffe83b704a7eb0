//! What outlives a session: notes that people and proposers read, and finding them again
//! by words and by meaning (SPEC J).
//!
//! A crate of its own beside the ledger: the ledger is what happened in one session, in
//! one checkout, and is true; a vault holds what many sessions in many repositories
//! learned, is written by several at once, read in any editor, changed by hand, and lost
//! without harm. Nothing here knows of engines or git; the clock, the home folder and
//! what is to be remembered are handed in.

mod error;
mod experiments;
mod files;
mod hot;
mod index;
mod meaning;
mod note;
mod redact;
mod search;
mod sync;
mod vault;

pub use error::MemoryError;
pub use experiments::Session;
pub use index::Entry;
pub use note::{Evidence, Kind, Measured, Meta, Note, slug};
pub use redact::Private;
pub use search::{By, Hit, Query};
pub use sync::{Look, Step};
pub use vault::{Added, Repository, Vault};
