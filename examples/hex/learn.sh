#!/bin/sh
# Makes the crate hex in the folder $1, which setup.sh has made, faster by
# criterion's measure. More arguments go to `learn`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
# What cargo builds is shared by all runs, beside the folder; what criterion measured
# stays with its run.
cache=$(pwd)-target
mkdir -p "$cache"
shift
for patch in "$here"/patches/*.patch; do
    set -- "$@" --hypothesis "$(head -n 1 "$patch")" --patch "$patch"
done
exec "${AUTORESEARCH:-autoresearch}" learn src/lib.rs --preset criterion \
    --command "cargo bench --offline --bench hex -- '^hex_' --warm-up-time 1 --measurement-time 2" \
    --check 'cargo test --offline --lib' \
    --set "run.env.CARGO_TARGET_DIR=$cache" --set run.env.CRITERION_HOME=target/criterion \
    --set "run.writable=$cache" \
    --link vendor --set run.threads=1 "$@"
