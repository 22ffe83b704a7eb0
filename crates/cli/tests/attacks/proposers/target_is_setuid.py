# attack: changes the target, and makes it setuid
# group: proposer
# sandboxed: stopped
# restricted: stopped
# unprotected: works (setuid)
from prepare import *

open("train.py", "a").write("LR = 1\nfinish(guess=102)\n")
attempt(lambda: os.chmod("train.py", 0o6644))
