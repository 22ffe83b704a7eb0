//! What values a knob may take. To be replaced by `core::space`.

use autoresearch_core::proposal::Value;

/// The values that a search may try.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Real numbers from `low` to `high`, both included.
    Float {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// Steps are factors, not differences; then `low` is positive.
        log: bool,
    },
    /// Whole numbers from `low` to `high`, both included, both multiples.
    Int {
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
        /// Steps are factors, not differences; then `low` is positive.
        log: bool,
        /// Only multiples of this, at least 1.
        multiple_of: i64,
    },
    /// One of a few; whole numbers are in rising order.
    Choice {
        /// What there is to choose from, the current value among it.
        options: Vec<Value>,
    },
}
