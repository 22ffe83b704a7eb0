# attack: daemonises, clears its environment and takes another program's name
# group: process
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

def disguise():
    libc.prctl(15, b"kworker/0:1", 0, 0, 0)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.chdir("/")
    os.execve("/bin/sleep", ["[kworker/0:1]", "600"], {})


finish()
daemon(disguise)
