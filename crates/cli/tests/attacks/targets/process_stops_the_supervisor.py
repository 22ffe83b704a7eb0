# attack: stops its supervisor and its engine, so that no deadline is kept
# group: process
# budget: 1
# sandboxed: detected (timeout)
# restricted: detected (timeout)
# unprotected: works (hang)
from prepare import *

import signal

for pid in {os.getppid(), *of_this_place()}:
    attempt(lambda: os.kill(pid, signal.SIGSTOP))
time.sleep(600)
