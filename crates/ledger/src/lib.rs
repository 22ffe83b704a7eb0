//! What happened, and nothing of it is ever lost: the journal (`SQLite`, the
//! truth), `results.tsv` (a projection of it that people read, also accepted
//! as input) and the lock that keeps a second engine out.

mod journal;
mod lock;
mod tsv;

pub use journal::{Entry, Journal, JournalError, Message};
pub use lock::{Holder, Lock, LockError};
pub use tsv::{Row, Table, TsvError, TsvFile};
