# attack: daemonises below a process that adopts its orphans, again and again
# group: process
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

def nest(depth):
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    if depth:
        daemon(lambda: nest(depth - 1))
    time.sleep(600)


finish()
daemon(lambda: nest(6))
time.sleep(0.3)
