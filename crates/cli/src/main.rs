//! The `autoresearch` command.
fn main() {}
