#!/bin/sh
# Makes a repository in the folder $1 from xmltodict 0.12.0 (MIT) and the tests of
# its release 0.14.2, of which six fail there, with pytest in a virtual environment.
set -eu
mkdir -p "$1"
cd "$1"
python3 -m venv .venv
.venv/bin/pip install -q pytest==9.0.2 setuptools
for version in 0.12.0 0.14.2; do
    .venv/bin/pip download -q --no-deps --no-binary xmltodict "xmltodict==$version"
done
tar --no-same-owner --strip-components 1 -xzf xmltodict-0.14.2.tar.gz
tar --no-same-owner --strip-components 1 -xzf xmltodict-0.12.0.tar.gz xmltodict-0.12.0/xmltodict.py
rm xmltodict-*.tar.gz
printf '__pycache__\n.pytest_cache\n.venv\nreport.xml\n' > .gitignore
git init -q
git add -A
git -c user.name=autoresearch -c user.email=autoresearch@example.org commit -qm "xmltodict 0.12.0 with the tests of 0.14.2"
