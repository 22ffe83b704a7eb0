# attack: replaces folders of the worktree by links to the user's, for the engine to clean and write through
# group: evaluator
# sandboxed: stopped
# restricted: detected (tampered)
# unprotected: detected (tampered)
from prepare import *

import shutil


def swap(name, target):
    shutil.rmtree(name)
    os.symlink(target, name)


finish()
attempt(
    lambda: swap("harness", HOST),
    lambda: swap("answers", USER_HOME),
    lambda: swap("tests", CHECKOUT + "/tests"),
    lambda: os.symlink(HOST, "data"),
)
