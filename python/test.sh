#!/usr/bin/env bash
# Builds the wheel as it is shipped (but for the profile), installs it into a
# fresh environment and tests it there: what is imported is what users get.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
tools=target/python-tools
venv=target/python-venv

# What builds and tests: kept between calls.
if [[ ! -x $tools/bin/maturin ]]; then
    "$python" -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.9,<2'
fi
rm -rf target/wheels
"$tools/bin/maturin" build --quiet --profile dev --interpreter "$python" --out target/wheels

if [[ ! -x $venv/bin/mypy ]]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check pytest mypy pandas
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps \
    --no-index target/wheels/autoresearch-*.whl

# From elsewhere: the sources beside us must not be what is imported.
tests=$PWD/python/tests
venv=$PWD/$venv
cd target
"$venv/bin/python" -m pytest --quiet -p no:cacheprovider "$tests" "$@"
