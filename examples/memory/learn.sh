#!/bin/sh
# The tool improves its own memory, in the folder $1, a clone of this repository: other
# weights of what its search goes by, measured by recall within five on the half of the
# labelled set that is for tuning. More arguments go to `learn`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
shift
# What cargo builds is shared by all runs, beside the folder.
cache=$(pwd)-target
mkdir -p "$cache"
exec "${AUTORESEARCH:-autoresearch}" learn crates/memory/src/search.rs --preset retrieval \
    --command 'cargo run --quiet --offline -p autoresearch-memory --example retrieval results.jsonl tune' \
    --check 'cargo test --quiet --offline -p autoresearch-memory' \
    --proposer-command "python3 $here/next_weight.py" \
    --set "propose.readable=$here" \
    --set "run.env.CARGO_TARGET_DIR=$cache" --set "run.writable=$cache" "$@"
