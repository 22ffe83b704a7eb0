//! The words and the decisions of AutoResearch, pure: no I/O, no clock, no
//! environment, no randomness that is not handed in as a seed.
//!
//! Read in the order in which data flows: a [`proposal`] becomes an
//! [`experiment`], whose [`trial`]s are measured ([`metric`]) and judged
//! ([`judge`]); [`session`] is the state machine that says what comes next.

pub mod agent;
pub mod budget;
pub mod conditions;
pub mod constraint;
pub mod curve;
pub mod experiment;
pub mod judge;
pub mod metric;
pub mod platform;
pub mod portfolio;
pub mod preset;
pub mod proposal;
pub mod protected;
pub mod random;
pub mod session;
mod sign;
pub mod source;
pub mod space;
pub mod spent;
pub mod stop;
pub mod stopping;
pub mod suite;
pub mod suspicion;
pub mod trial;
pub mod units;
pub mod verification;
