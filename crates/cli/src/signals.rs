//! Ctrl-C once ends the session after recording what ran, twice at once.

use std::sync::atomic::{AtomicBool, Ordering};

use autoresearch::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Set by a signal alone: `autoresearch stop` asks for a stop, too, and is no
/// interrupt.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A stop that signals request. `SIGTERM` and `SIGHUP` count as Ctrl-C.
///
/// # Errors
/// When the system refuses the handlers.
pub(crate) fn stop_on_signals() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let stop = stop.clone();
        let escalate = move || {
            INTERRUPTED.store(true, Ordering::SeqCst);
            stop.escalate();
        };
        // SAFETY: `escalate` only touches atomics, which is safe in a handler.
        #[expect(unsafe_code, reason = "signal-hook's way to run code in a handler")]
        unsafe {
            signal_hook::low_level::register(signal, escalate)?;
        }
    }
    Ok(stop)
}

/// Whether a signal asked for the stop.
pub(crate) fn was_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
