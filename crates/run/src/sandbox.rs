//! How a command is kept from doing harm: what it may see and change, and how
//! it is held to it.
//!
//! The supervisor draws a [`Plan`](plan::Plan) and starts its own program once
//! more, under [`CONFINE`](crate::CONFINE): inside bubblewrap for a sandbox, as
//! it is for the restricted way. That process ([`confine`]) shuts the doors
//! that only the process itself can shut, and starts the command.
#![cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "much of it is Linux's"))]

pub(crate) mod bubblewrap;
pub(crate) mod environment;
pub(crate) mod hint;
#[cfg(target_os = "linux")]
mod inside;
mod installation;
#[cfg(target_os = "linux")]
mod landlock;
pub(crate) mod plan;
mod probe;
pub(crate) mod room;
#[cfg(any(not(target_os = "linux"), test))]
mod seatbelt;
#[cfg(target_os = "linux")]
pub(crate) mod start;
#[cfg(not(target_os = "linux"))]
#[path = "sandbox/start_macos.rs"]
pub(crate) mod start;
#[cfg(target_os = "linux")]
mod syscalls;
pub(crate) mod view;

#[cfg(target_os = "linux")]
pub use inside::confine;

/// Tries out what confines commands on this system: no process of ours.
#[cfg(not(target_os = "linux"))]
pub fn confine() -> i32 {
    probe::Probe::here().map_or(1, |probe| probe.run())
}
