#!/bin/sh
# Ten experiments on mistune in the folder $1, which setup.sh has made: each patch
# is a hypothesis, its first line says which. Tests that time themselves are left
# out: on a busy machine they fail whatever the change. More arguments go to `learn`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
shift
for patch in "$here"/patches/*.patch; do
    set -- "$@" --hypothesis "$(head -n 1 "$patch")" --patch "$patch"
done
exec "${AUTORESEARCH:-autoresearch}" learn 'src/mistune/**/*.py' \
    --metric bench_ms --minimize --command '.venv/bin/python bench_ms.py' \
    --check 'env PYTHONPATH=src .venv/bin/python -m pytest -q -x -p no:cacheprovider -k "not linear and not quick" tests' \
    --link .venv --set run.threads=1 "$@"
