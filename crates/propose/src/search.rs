//! Soon.
use crate::{Brief, Desk, ProposeError, Proposer};
use autoresearch_core::proposal::Proposal;
/// Soon.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search;
impl Proposer for Search {
    fn name(&self) -> &str {
        "search"
    }
    fn propose(&mut self, _: &Brief, _: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        Err(ProposeError::Exhausted("soon".to_owned()))
    }
}
