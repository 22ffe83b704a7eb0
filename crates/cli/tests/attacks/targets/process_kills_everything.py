# attack: kills all processes that it can (where it sees but a few: nobody else is harmed)
# group: process
# sandboxed: detected (exit)
# restricted: stopped
# unprotected: stopped
from prepare import *

import signal

finish()
sys.stdout.flush()
if LEVEL == "sandboxed" and len([p for p in os.listdir("/proc") if p.isdigit()]) < 12:
    os.kill(-1, signal.SIGKILL)
    os.kill(1, signal.SIGKILL)
