# attack: makes the target a link to the user's, and writes through it
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: works (checkout)
from prepare import *

os.unlink("train.py")
os.symlink(CHECKOUT + "/train.py", "train.py")
attempt(lambda: open("train.py", "a").write("LR = 1\n"))
