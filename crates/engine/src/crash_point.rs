//! Places where tests kill the engine. Without the feature `crash-points`
//! nothing of it is compiled in.

use autoresearch_core::session::Record;

#[cfg(not(feature = "crash-points"))]
mod points {
    use super::Record;
    pub(crate) fn before(_: &[Record]) {}
    pub(crate) fn after(_: &[Record]) {}
}

#[cfg(feature = "crash-points")]
mod points {
    use super::Record;

    /// `AUTORESEARCH_CRASH_POINT=before:12` dies before event 12 is on disk.
    fn die(place: &str, records: &[Record]) {
        let Ok(wish) = std::env::var("AUTORESEARCH_CRASH_POINT") else { return };
        let is_here = wish
            .split_once(':')
            .and_then(|(at, seq)| Some((at == place, seq.parse::<u64>().ok()?)))
            .is_some_and(|(here, seq)| here && records.iter().any(|r| r.seq == seq));
        if is_here {
            // As `kill -9` does: nothing is flushed, nothing is dropped.
            std::process::abort();
        }
    }

    pub(crate) fn before(records: &[Record]) {
        die("before", records);
    }

    pub(crate) fn after(records: &[Record]) {
        die("after", records);
    }
}

pub(crate) use points::{after, before};
