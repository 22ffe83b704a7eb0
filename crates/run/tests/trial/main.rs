//! Trials with real processes.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod attacks;
mod confined;
mod crash;
mod curve;
mod ending;
mod fair;
mod gate;
mod lab;
mod limits;
mod output;
mod strays;
mod talk;
mod usage;
