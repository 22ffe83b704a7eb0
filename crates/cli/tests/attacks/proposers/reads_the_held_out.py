# attack: reads the held-out data and writes it into the target
# group: proposer
# scoring: sealed
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: works (secret)
from prepare import *

import subprocess

for path in ("answers/answers.txt", CHECKOUT + "/answers/answers.txt"):
    attempt(lambda: leak(path))
for where in (".", CHECKOUT):
    show = ["git", "-C", where, "show", "main:answers/answers.txt"]
    attempt(lambda: print(subprocess.run(show, check=True, capture_output=True).stdout))
