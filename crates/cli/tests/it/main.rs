//! The real binary, real git, real processes, a real journal.
//!
//! Runs are shell scripts that print a number, proposers are shell scripts
//! that copy a prepared file, so that a whole session takes a second.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests are tests, too, and say what they skip"
)]

mod ahead;
mod brief;
mod checkout;
mod checks;
mod containers;
mod crash_points;
mod doctor;
mod early;
mod fair;
mod kill9;
mod learn;
mod mcp;
mod measure;
mod memory;
mod model;
mod noise;
mod protection;
mod pytest;
mod relief;
mod rubbish;
mod seeds;
mod session;
mod signals;
mod simulate;
mod sound;
mod suspects;
mod toy;
mod verify;
mod wizard;
