# attack: kills its supervisor and its engine
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: works (engine)
from prepare import *

import signal

# The supervisor last: this one dies with it.
for pid in [*(set(of_this_place()) - {0, 1, os.getppid()}), os.getppid()]:
    attempt(lambda: os.kill(pid, signal.SIGKILL))
