//! Who proposes: the queue, the embedded search, any command.

pub mod knobs;
pub mod rewrites;
