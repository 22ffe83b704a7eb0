//! The engine's one clock, for what is written down. Deadlines are kept by the
//! supervisor on a monotonic one.

use std::time::{SystemTime, UNIX_EPOCH};

use autoresearch_core::units::Timestamp;

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
