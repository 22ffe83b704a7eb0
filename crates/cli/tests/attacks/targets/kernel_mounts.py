# attack: mounts, changes its root, and enters the namespaces of others
# group: kernel
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

def in_child(work):
    if (pid := os.fork()) == 0:
        try:
            work()
            gained(work.__name__)
        except OSError as why:
            print(work.__name__, why, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)


def mount():  # in a mount namespace of its own: nobody else sees it
    syscall(272, 0x00020000)
    syscall(165, b"none", b"/tmp", b"tmpfs", 0, None)


def chroot():
    os.chroot(".")


def join():
    syscall(308, os.open(f"/proc/{os.getppid()}/ns/mnt", os.O_RDONLY), 0)


def remount():
    syscall(165, None, os.getcwd().encode() + b"/harness", None, 0x1000 | 0x20, None)


finish()
for work in (mount, chroot, remount):
    in_child(work)
