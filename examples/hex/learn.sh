#!/bin/sh
# Makes the crate hex in the folder $1, which setup.sh has made, faster by
# criterion's measure. More arguments go to `learn`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
shift
for patch in "$here"/patches/*.patch; do
    set -- "$@" --hypothesis "$(head -n 1 "$patch")" --patch "$patch"
done
exec "${AUTORESEARCH:-autoresearch}" learn src/lib.rs --preset criterion \
    --command "cargo bench --offline --bench hex -- '^hex_' --warm-up-time 1 --measurement-time 2" \
    --check 'cargo test --offline --lib' \
    --link vendor --set run.threads=1 "$@"
