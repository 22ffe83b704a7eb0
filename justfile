# What people do here. `just` lists it.

default:
    @just --list

# Watch a small language model improve
demo:
    cargo run --release -- demo

# The tests, as .ci/run does
test:
    cargo test --workspace

# The tests of one crate, as `just one autoresearch-core`
one crate:
    cargo test --package {{crate}}

# Format, lint, check the house
tidy:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings
    cargo xtask check

# Write the schema and the command line's reference again
generate:
    cargo xtask generate

# Take every changed snapshot as right; look at the diff before you commit
accept:
    INSTA_UPDATE=always cargo test --workspace

# Everything that a submission must pass
ci:
    .ci/run

# All benches
bench:
    cargo bench --workspace

# Fuzz the metric parser for a minute (needs cargo-fuzz and a nightly compiler)
fuzz:
    cd crates/core/fuzz && cargo +nightly fuzz run metric -- -max_total_time=60
