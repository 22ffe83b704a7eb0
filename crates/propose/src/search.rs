//! To come.
/// The embedded proposer.
#[derive(Debug)]
pub struct Search;
