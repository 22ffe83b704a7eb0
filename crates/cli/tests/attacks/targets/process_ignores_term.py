# attack: ignores every signal that asks it to end
# group: process
# budget: 1
# sandboxed: detected (timeout)
# restricted: detected (timeout)
# unprotected: detected (timeout)
from prepare import *

import signal

for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True:
    time.sleep(60)
