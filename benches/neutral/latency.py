"""Changes of work.py: neutral ones, two gains (10% and 17%), two losses."""

import json
import re
import sys

REAL = {5: ("N = 60000", "N = 54000"), 11: ("N = 54000", "N = 45000")}

brief = json.load(sys.stdin)
number, target = brief["number"], brief["targets"][0]
text = target["text"]
if number in REAL:
    what, new = "real: " + REAL[number][1], text.replace(*REAL[number])
elif number in (8, 14):
    what = "harm: more work"
    new = re.sub(r"N = (\d+)", lambda found: f"N = {int(found[1]) + 7000 + number}", text)
else:
    what = f"neutral: rename ({number})"
    new = re.sub(r"\btotal\w*\b", f"total_{number}", text)
if new == text:
    new = f"{text}\nX{number} = 1\n"
with open(target["path"], "w") as file:
    file.write(new)
print("HYPOTHESIS:", what)
