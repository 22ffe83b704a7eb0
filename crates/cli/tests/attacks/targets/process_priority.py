# attack: makes itself more important than everybody else
# group: process
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

def at_real_time():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    gained("real-time priority")
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def unkillable():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    gained("the kernel spares it when memory runs out")


finish()
attempt(lambda: gained(f"nice {os.nice(-5)}"), at_real_time, unkillable)
