//! What linters and type checkers find in code.

use super::{Preset, down, up};
use crate::metric::Format;

pub(super) const PYLINT: Preset = Preset {
    name: "pylint",
    about: "pylint's score of the code",
    measures: &[
        up("score", "pylint's own score, at most 10"),
        down("messages", "messages of all kinds"),
        down("errors", "messages of the kinds error and fatal"),
        down("warnings", "messages of the kind warning"),
        down("refactors", "messages of the kind refactor"),
        down("conventions", "messages of the kind convention"),
    ],
    command: &["pylint", "--recursive=y", "."],
    budget: "5m",
    format: Format::Pylint,
    files: &[],
    // A bit for each kind of message; 32 is a usage error.
    codes: 0..=31,
};

pub(super) const RUFF: Preset = Preset {
    name: "ruff",
    about: "what ruff finds in Python code",
    measures: &[
        down("violations", "violations of all rules"),
        down("fixable", "violations that ruff can mend itself"),
        down("*", "violations of one rule, as `F401`"),
    ],
    command: &["ruff", "check", "--output-format=json", "--exit-zero", "."],
    budget: "2m",
    format: Format::Ruff,
    files: &[],
    // 2 is a usage error.
    codes: 0..=1,
};

pub(super) const MYPY: Preset = Preset {
    name: "mypy",
    about: "type errors in Python code, by mypy",
    measures: &[
        down("errors", "errors of all kinds"),
        down("files", "files with an error"),
        down("*", "errors of one kind, as `return-value`"),
    ],
    // A repository may ask for lines that are wrapped, without the kind of the error or
    // without the sum at the end.
    command: &["mypy", "--no-pretty", "--show-error-codes", "--error-summary", "."],
    budget: "5m",
    format: Format::Mypy,
    files: &[],
    // 2 is a usage error, or code that cannot be parsed.
    codes: 0..=1,
};

pub(super) const CLIPPY: Preset = Preset {
    name: "clippy",
    about: "what the compiler and clippy say of Rust code",
    measures: &[
        down("warnings", "warnings of the compiler and of clippy"),
        down("clippy", "warnings of clippy's own lints"),
        down("*", "warnings of one lint, as `clippy::needless_return`"),
    ],
    // A denied lint would hide all that stands in the crates behind it.
    command: &[
        "cargo",
        "clippy",
        "--quiet",
        "--all-targets",
        "--message-format=json",
        "--",
        "--cap-lints=warn",
    ],
    budget: "10m",
    format: Format::Clippy,
    files: &[],
    // Other codes than 0 are looked into: the report says what does not compile.
    codes: 0..=101,
};
