//! Ctrl-C once ends the session after recording what ran, twice at once.

use autoresearch::{Stop, Urgency};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// A stop that signals request. `SIGTERM` and `SIGHUP` count as Ctrl-C.
///
/// # Errors
/// When the system refuses the handlers.
pub(crate) fn stop_on_signals() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let stop = stop.clone();
        let escalate = move || stop.escalate();
        // SAFETY: `escalate` only touches an atomic, which is safe in a handler.
        #[expect(unsafe_code, reason = "signal-hook's way to run code in a handler")]
        unsafe {
            signal_hook::low_level::register(signal, escalate)?;
        }
    }
    Ok(stop)
}

/// Whether a signal asked for the stop.
pub(crate) fn was_interrupted(stop: &Stop) -> bool {
    stop.urgency() >= Urgency::Now
}
