"""Neutral changes of scikit-learn's RBM example."""

import json
import re
import sys

brief = json.load(sys.stdin)
number, target = brief["number"], brief["targets"][0]
text = new = target["text"]
if number % 3 == 1:
    # Other lots, and nothing else.
    what = f"another state of the random numbers ({number})"
    state = f"random_state=np.random.RandomState(7 * {number} + 1), verbose"
    new = re.sub(r"random_state=.*, verbose", state, text)
elif number % 3 == 2:
    what = f"rename a variable ({number})"
    new = re.sub(r"\bY_pred\w*\b", f"Y_pred_{number}", text)
if new == text:
    what = f"add a constant that nobody uses ({number})"
    new = f"{text}\nUNUSED_{number} = {number}\n"
with open(target["path"], "w") as file:
    file.write(new)
print("HYPOTHESIS:", what)
