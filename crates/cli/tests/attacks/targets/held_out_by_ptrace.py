# attack: attaches to the engine and to its supervisor as a debugger
# group: held_out
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

def attach(pid):  # PTRACE_SEIZE, then let go: an attached parent would hang
    syscall(101, 0x4206, pid, 0, 0)
    gained(f"ptrace of {pid}")
    os.waitpid(pid, os.WNOHANG)


finish()
for pid in {os.getppid(), *of_this_place()}:
    attempt(lambda: attach(pid))
