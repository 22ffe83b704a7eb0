//! The real binary, real git, real processes, a real journal.
//!
//! Runs are shell scripts that print a number, proposers are shell scripts
//! that copy a prepared file, so that a whole session takes a second.
#![cfg(target_os = "linux")]

mod checkout;
mod crash_points;
mod kill9;
mod rubbish;
mod session;
mod signals;
mod toy;
