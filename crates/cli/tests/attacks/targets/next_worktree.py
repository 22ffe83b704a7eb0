# attack: leaves files, ignored ones too, in the worktree for the next trial
# group: next_trial
# then: again
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

import socket

NAMES = ("left.py", "left.tmp", "harness/__pycache__/left.pyc", ".hidden/left", "nested/.git/left")
for name in (*NAMES, "pipe", "socket"):
    if os.path.lexists(name):
        print("CARRIED", name)
for name in NAMES:
    attempt(lambda: plant(name))
attempt(lambda: os.mkfifo("pipe"), lambda: socket.socket(socket.AF_UNIX).bind("socket"))
os.chmod(".hidden", 0)
finish()
