#!/bin/sh
# Raises pylint's score of inflect by a tenth in the folder $1, which setup.sh has
# made: ruff mends one rule at a time, and the tests that still run under a pytest
# of today must pass. More arguments go to `learn`.
set -eu
cd "$1"
shift
exec "${AUTORESEARCH:-autoresearch}" learn inflect.py --preset pylint \
    --command '.venv/bin/pylint inflect.py' \
    --proposer-command '.venv/bin/python next_rule.py .venv/bin/ruff' \
    --check 'env PYTHONPATH=. .venv/bin/python -m pytest -q -p no:cacheprovider tests --ignore tests/test_inflections.py --ignore tests/test_numwords.py --ignore tests/test_pl_si.py' \
    --set propose.bundles=allow --link .venv --goal 'improvement >= 10%' "$@"
