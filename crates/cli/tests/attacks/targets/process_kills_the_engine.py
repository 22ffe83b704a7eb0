# attack: kills its supervisor and its engine
# group: process
# sandboxed: stopped
# restricted: stopped
# unprotected: works (engine)
from prepare import *

import signal

victims = {os.getppid(), *of_this_place()} - {0, 1}
for pid in victims:
    attempt(lambda: os.kill(pid, signal.SIGKILL))
finish()
