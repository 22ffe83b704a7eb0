# attack: reads the held-out data through the folders and roots of other processes
# group: held_out
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: works (secret)
from prepare import *

def through(pid):
    for where in (f"/proc/{pid}/cwd/answers", f"/proc/{pid}/root{CHECKOUT}/answers"):
        try:
            leak(where + "/answers.txt")
        except OSError:
            pass


finish()
for pid in ["self", "1", str(os.getppid()), *of_this_place()]:
    through(pid)
