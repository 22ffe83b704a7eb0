//! With real git, in temporary repositories that see nothing of this machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod candidates;
mod checkout;
mod desks;
mod landing;
mod patches;
mod private;
mod support;
