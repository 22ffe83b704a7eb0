"""A proposer: lets ruff mend one of its rules, the one that it can mend in fewest
places of those that the session has not tried yet.

It reads the brief as JSON on standard input, edits the targets in the current
folder, and says what it did. Usage: next_rule.py RUFF
"""

import collections
import json
import subprocess
import sys

RULES = "E,F,W,B,C4,FLY,I,PERF,PIE,PL,RET,RUF,SIM,UP"
# Percent formats become `format`, which is no better before it becomes an f-string.
FOLLOWED_BY = {"UP031": "UP032"}


def ruff(*args):
    words = [sys.argv[1], "check", "--isolated", "--quiet", "--unsafe-fixes", *args]
    return subprocess.run(words, capture_output=True, text=True).stdout


brief = json.load(sys.stdin)
targets = [target["path"] for target in brief["targets"]]
tried = " ".join(past["hypothesis"] for past in brief["history"]).split()
complaints = json.loads(ruff("--select", RULES, "--output-format", "json", *targets))
places = collections.Counter(
    complaint["code"] for complaint in complaints if complaint["fix"] and complaint["code"]
)
for rule, count in reversed(places.most_common()):
    if rule not in tried:
        ruff("--select", rule, "--fix", *targets)
        if rule in FOLLOWED_BY:
            ruff("--select", FOLLOWED_BY[rule], "--fix", *targets)
        said = next(found["message"] for found in complaints if found["code"] == rule)
        print(f"HYPOTHESIS: ruff mends {rule} in {count} places: {said}")
        break
else:
    print("EXHAUSTED: ruff has no rule left that it can mend here")
