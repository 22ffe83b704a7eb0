# attack: takes the held-out data out of the repository's history
# group: held_out
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: works (secret)
from prepare import *

import subprocess


def git(*arguments):
    return subprocess.run(["git", *arguments], capture_output=True, check=True, text=True).stdout


finish()
attempt(
    lambda: print(git("show", "HEAD:answers/answers.txt")),
    lambda: print(git("-C", CHECKOUT, "show", "main:answers/answers.txt")),
    lambda: print(git("--git-dir", CHECKOUT + "/.git", "show", "main:answers/answers.txt")),
)
