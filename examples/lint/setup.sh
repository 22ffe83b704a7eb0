#!/bin/sh
# Fetches the source of inflect 0.3.1 into the folder $1 as a repository, with
# pylint, ruff and pytest in a virtual environment beside it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
python3 -m venv .venv
.venv/bin/pip install -q pylint==4.1.4 ruff==0.17.6 pytest==7.4.4 nose==1.3.7 setuptools
.venv/bin/pip download -q --no-deps --no-binary inflect inflect==0.3.1
tar --no-same-owner --strip-components 1 -xzf inflect-0.3.1.tar.gz
rm inflect-0.3.1.tar.gz
cp "$here/next_rule.py" .
printf '__pycache__\n.pytest_cache\n.ruff_cache\n.venv\n' > .gitignore
git init -q
git add -A
git -c user.name=autoresearch -c user.email=autoresearch@example.org commit -qm "inflect 0.3.1"
