#!/bin/sh
# Installs the pytest that tests here run sessions on, pinned, once, into
# target/pytest or $AUTORESEARCH_PYTEST: 30 MiB. What cannot be installed is
# said, and its tests are skipped.
set -u
root=${AUTORESEARCH_PYTEST:-$(cd "$(dirname "$0")/../../../.." && pwd)/target/pytest}

if "$root/bin/python" -c 'import pytest, coverage' 2>/dev/null; then
    echo "pytest: installed in $root"
elif python3 -m venv "$root"; then
    "$root/bin/pip" install --quiet --disable-pip-version-check pytest==9.2.0 coverage==7.17.3 ||
        echo "skipped: pip could not install pytest"
else
    echo "skipped: there is no python3 with venv for pytest"
fi
