# attack: makes user and mount namespaces of its own
# group: kernel
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

def in_child(flags, name):  # unshare() changes the caller: in a child
    if (pid := os.fork()) == 0:
        try:
            syscall(272, flags)
            gained(name)
        except OSError as why:
            print(name, why, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)


finish()
in_child(0x10000000, "user namespace")
in_child(0x00020000, "mount namespace")
in_child(0x40000000, "network namespace")
in_child(0x20000000, "pid namespace")
