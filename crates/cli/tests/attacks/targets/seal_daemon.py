# attack: leaves a daemon that waits for the sealed command and overwrites its evaluator
# group: seal
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

def later():
    end = time.time() + 3
    while time.time() < end:
        try:
            with open(SESSION + "/measure-1/harness/evaluate.py", "w") as file:
                file.write("print('loss: 0')\n")
        except OSError:
            pass


finish()
daemon(later)
