//! Attacks, one file each, on real sessions of the real binary: what a trial
//! (`targets/`) or a proposer (`proposers/`) can do at each level of protection.
//!
//! An attack's first lines say what it does and what comes of it; this program
//! runs it and looks from outside whether that is true. `cargo test --test
//! attacks -- fork` runs those with `fork` in their name, `--level sandboxed`
//! those of one level, `--show` says what was seen. Each runs below a process
//! of its own, which adopts whoever is orphaned.
#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::unwrap_used,
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "helpers of tests are tests, too, and say what they skip"
    )
)]

#[cfg(target_os = "linux")]
mod effects;
#[cfg(target_os = "linux")]
mod header;
#[cfg(target_os = "linux")]
mod scene;
#[cfg(target_os = "linux")]
mod session;
#[cfg(target_os = "linux")]
mod suite;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    suite::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
