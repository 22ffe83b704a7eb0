#!/bin/sh
# Fetches the source of mistune 3.4.0 (BSD-3-Clause) into the folder $1 as a
# repository with a benchmark that prints one number, and beside it pytest in a
# virtual environment.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
python3 -m pip download -q --no-deps --no-binary mistune mistune==3.4.0
tar --no-same-owner --strip-components 1 -xzf mistune-3.4.0.tar.gz
rm mistune-3.4.0.tar.gz
cp "$here/bench_ms.py" .
printf '__pycache__\n.pytest_cache\n.venv\n' > .gitignore
python3 -m venv .venv
.venv/bin/pip install -q pytest==9.0.2
git init -q
git add -A
git -c user.name=autoresearch -c user.email=autoresearch@example.org commit -qm "mistune 3.4.0, and a benchmark that prints one number"
