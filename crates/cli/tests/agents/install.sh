#!/bin/sh
# Installs the coding agents that the tests here drive, pinned to the versions
# that the presets name (crates/propose/src/agent/presets), once, into
# target/agents or $AUTORESEARCH_AGENTS: 2.1 GiB. What cannot be installed is
# said, and its tests are skipped.
set -u
root=${AUTORESEARCH_AGENTS:-$(cd "$(dirname "$0")/../../../.." && pwd)/target/agents}
mkdir -p "$root" && cd "$root" || exit 1

if [ -x node_modules/.bin/claude ] && [ -x node_modules/.bin/pi ]; then
    echo "agents of npm: installed in $root"
elif command -v npm >/dev/null; then
    npm install --no-audit --no-fund --loglevel error --prefix . \
        @anthropic-ai/claude-code@2.1.329 @openai/codex@0.169.0 opencode-ai@1.18.33 \
        @google/gemini-cli@0.61.0 @mariozechner/pi-coding-agent@0.73.1 ||
        echo "skipped: npm could not install claude, codex, opencode, gemini and pi"
else
    echo "skipped: there is no npm for claude, codex, opencode, gemini and pi"
fi

if [ -x aider/bin/aider ]; then
    echo "aider: installed in $root"
elif python3 -m venv aider; then
    aider/bin/pip install --quiet --disable-pip-version-check aider-chat==0.86.2 ||
        echo "skipped: pip could not install aider"
else
    echo "skipped: there is no python3 with venv for aider"
fi
