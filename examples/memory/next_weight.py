"""A proposer: another value for one of the constants that decide which notes are found.

It reads the brief as JSON on standard input and edits the target in the current
folder. Usage: next_weight.py
"""

import json
import re
import sys

VALUES = {
    "WORDS": ["0.1", "0.2", "0.5", "1.0"],
    "WEIGHTS": ['"2.0, 1.0, 0.3"', '"8.0, 1.0, 0.3"', '"4.0, 1.0, 1.0"'],
    "POOL": ["30", "300"],
}

brief = json.load(sys.stdin)
target = brief["targets"][0]["path"]
tried = {past["hypothesis"] for past in brief["history"]}
with open(target) as file:
    text = file.read()
for name, values in VALUES.items():
    constant = re.search(rf"(const {name}: [^=]+= )([^;]+);", text)
    for value in values:
        hypothesis = f"{name} of {value} instead of {constant[2]}"
        if value != constant[2] and not any(past.startswith(f"{name} of {value} ") for past in tried):
            with open(target, "w") as file:
                file.write(text.replace(constant[0], f"{constant[1]}{value};"))
            print(f"HYPOTHESIS: {hypothesis}")
            sys.exit()
print("EXHAUSTED: every value was tried")
