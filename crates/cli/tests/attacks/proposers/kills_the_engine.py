# attack: kills its supervisor and its engine
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: works (engine)
from prepare import *

import signal

for pid in {os.getppid(), *of_this_place()} - {0, 1}:
    attempt(lambda: os.kill(pid, signal.SIGKILL))
