//! Real HTTP, to a server on loopback that speaks each of the four APIs.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod apis;
mod asking;
mod failing;
mod scene;
