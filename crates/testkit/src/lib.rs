//! Hermetic places for tests.
