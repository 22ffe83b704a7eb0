//! The program; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(autoresearch_cli::main(std::env::args_os()))
}
