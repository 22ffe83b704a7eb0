# attack: moves and deletes branches, and makes tags
# group: git
# sandboxed: stopped
# restricted: stopped
# unprotected: works (checkout, planted)
from prepare import *

import subprocess


def git(*arguments):
    return subprocess.run(["git", *arguments], check=True, capture_output=True).returncode


finish()
for where in (CHECKOUT, "."):
    attempt(
        lambda: git("-C", where, "branch", "-D", "other"),
        lambda: git("-C", where, "tag", "v1"),
        lambda: git("-C", where, "branch", "mine"),
        lambda: git("-C", where, "stash"),
    )
attempt(lambda: plant(CHECKOUT + "/.git/refs/heads/forged"))
