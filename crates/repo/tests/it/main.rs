//! With real git, in temporary repositories that see nothing of this machine.

mod candidates;
mod checkout;
mod desks;
mod landing;
mod patches;
mod support;
