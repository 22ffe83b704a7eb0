#!/bin/sh
# Installs the coding agents that the tests here drive, pinned to the versions
# that the presets name (crates/propose/src/agent/presets), once, into
# target/agents or $AUTORESEARCH_AGENTS: 2.1 GiB. What is there in another version
# is replaced. What cannot be installed is said, and its tests are skipped.
set -u
root=${AUTORESEARCH_AGENTS:-$(cd "$(dirname "$0")/../../../.." && pwd)/target/agents}
mkdir -p "$root" && cd "$root" || exit 1

packages='@anthropic-ai/claude-code@2.1.329 @openai/codex@0.169.0 opencode-ai@1.18.33
    @google/gemini-cli@0.61.0 @mariozechner/pi-coding-agent@0.73.1'
aider=0.86.2

are_here() {
    for package in $packages; do
        grep -q "\"version\": *\"${package##*@}\"" "node_modules/${package%@*}/package.json" \
            2>/dev/null || return 1
    done
}

if are_here; then
    echo "agents of npm: installed in $root"
elif command -v npm >/dev/null; then
    # One word a package.
    # shellcheck disable=SC2086
    npm install --no-audit --no-fund --loglevel error --prefix . $packages ||
        echo "skipped: npm could not install claude, codex, opencode, gemini and pi"
else
    echo "skipped: there is no npm for claude, codex, opencode, gemini and pi"
fi

if ls -d aider/lib/python*/site-packages/aider_chat-$aider.dist-info >/dev/null 2>&1; then
    echo "aider: installed in $root"
elif python3 -m venv aider; then
    aider/bin/pip install --quiet --disable-pip-version-check "aider-chat==$aider" ||
        echo "skipped: pip could not install aider"
else
    echo "skipped: there is no python3 with venv for aider"
fi
