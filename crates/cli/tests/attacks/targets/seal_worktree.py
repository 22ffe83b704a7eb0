# attack: writes into the worktree of the sealed command before it begins
# group: seal
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

def write():
    plant("../measure-1/sitecustomize.py", "import os; print('loss: 0', flush=True); os._exit(0)\n")
    with open("../measure-1/harness/evaluate.py", "w") as file:
        file.write("print('loss: 0')\n")


finish()
attempt(write)
