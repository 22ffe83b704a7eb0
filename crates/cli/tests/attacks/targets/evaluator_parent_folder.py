# attack: renames the evaluator's parent folder, puts another in its place, and the old one back
# group: evaluator
# sandboxed: stopped
# restricted: detected (tampered)
# unprotected: detected (tampered)
from prepare import *

def away():
    os.rename("harness", "elsewhere")
    os.mkdir("harness")
    with open("harness/evaluate.py", "w") as file:
        file.write("def score():\n    return 0.0\n")


def back():
    os.rename("harness", "forged")
    os.rename("elsewhere", "harness")


attempt(away)
finish()
attempt(back)
