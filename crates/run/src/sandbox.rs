//! How a command is kept from doing harm: what it may see and change, and how
//! it is held to it.
//!
//! The supervisor draws a [`Plan`](plan::Plan) and starts its own program once
//! more, under [`CONFINE`](crate::CONFINE): inside bubblewrap for a sandbox, as
//! it is for the restricted way. That process ([`confine`]) shuts the doors
//! that only the process itself can shut, and starts the command.

#[cfg(target_os = "linux")]
pub(crate) mod bubblewrap;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
pub(crate) mod start;
#[cfg(target_os = "linux")]
mod syscalls;

pub(crate) mod environment;
pub(crate) mod hint;
mod installation;
pub(crate) mod plan;
#[cfg(any(target_os = "macos", test))]
pub(crate) mod seatbelt;
pub(crate) mod view;

#[cfg(target_os = "linux")]
pub use inside::confine;

/// Does nothing: what confines commands on this system is no process of ours.
#[cfg(not(target_os = "linux"))]
pub fn confine() -> i32 {
    1
}
