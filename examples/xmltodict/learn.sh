#!/bin/sh
# Takes xmltodict in the folder $1, which setup.sh has made, from nine tenths of
# its tests to all of them: the changes that its releases made, one by one, are the
# hypotheses. More arguments go to `learn`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
shift
for patch in "$here"/patches/*.patch; do
    set -- "$@" --hypothesis "$(head -n 1 "$patch")" --patch "$patch"
done
exec "${AUTORESEARCH:-autoresearch}" learn xmltodict.py --preset pytest \
    --command '.venv/bin/python -m pytest -v --tb=short -p no:cacheprovider --junitxml=report.xml tests' \
    --link .venv --goal 'pass_rate >= 1' "$@"
