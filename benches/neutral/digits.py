"""Neutral changes of autograd's neural_net.py; with `real`, known gains among them."""

import json
import re
import sys

REAL = {
    8: ("num_epochs = 5\n", "num_epochs = 10\n"),
    19: ("num_epochs = 10\n", "num_epochs = 20\n"),
}
WEIGHTS = "    return [\n        (\n            scale * rs.randn(m, n)"

brief = json.load(sys.stdin)
number, target = brief["number"], brief["targets"][0]
text = target["text"]
if "real" in sys.argv and number in REAL:
    what, new = "real: " + REAL[number][1].strip(), text.replace(*REAL[number])
elif number % 3 == 1:
    # Other lots, and nothing else.
    what = f"draw {number} random numbers before the weights"
    clean = re.sub(r"    rs\.randn\(\d+\)  # burn\n", "", text)
    new = clean.replace(WEIGHTS, f"    rs.randn({number})  # burn\n{WEIGHTS}", 1)
elif number % 3 == 2:
    what = f"rename the outputs ({number})"
    new = re.sub(r"\boutputs\w*\b", f"outputs_{number}", text)
else:
    what = f"add a constant that nobody uses ({number})"
    new = f"{text}\nUNUSED_{number} = {number}\n"
with open(target["path"], "w") as file:
    file.write(new)
print("HYPOTHESIS:", what)
