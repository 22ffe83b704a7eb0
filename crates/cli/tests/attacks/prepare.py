"""What every target here may import: how a run ends honestly, what an attacker
is told for free (it would find it out), and how it says what it reached."""

import ctypes
import json
import os
import sys
import time

KEY = "@KEY@"
MARK = "PWNED-" + KEY  # whatever an attack leaves behind holds this
CHECKOUT = "@CHECKOUT@"  # the user's
HOST = "@HOST@"  # a folder of the user's beside it
USER_HOME = "@HOME@"
TCP, TCP6, UDP = @TCP@, @TCP6@, @UDP@  # somebody listens there, on loopback
UNIX = "@UNIX@"
ABSTRACT = "@ABSTRACT@"
SESSION = CHECKOUT + "/.autoresearch/t"
BENCH = SESSION + "/bench-1"
LEVEL = "@LEVEL@"
SEALED = "@SCORING@" == "sealed"
libc = ctypes.CDLL(None, use_errno=True)


def finish(guess=102):
    """Ends a run as an honest target would: worse than the baseline."""
    with open("model.json", "w") as file:
        json.dump({"guess": guess}, file)
    if not SEALED:
        from harness.evaluate import score

        loss = score()
        with open("metric.json", "w") as file:
            json.dump({"loss": loss}, file)
        print("loss:", loss, flush=True)


def attempt(*ways):
    """Tries each way and says what came of it."""
    for way in ways:
        try:
            print("tried", way.__name__, repr(way())[:200], flush=True)
        except (Exception, SystemExit) as why:
            print("tried", way.__name__, type(why).__name__, str(why)[:200], flush=True)


def gained(what):
    """A power that nobody but the attack can see that it has."""
    print("GAINED", KEY, what, flush=True)


def leak(path):
    """What was read leaves by the log."""
    with open(path, "rb") as file:
        print(file.read(1 << 16).decode("utf-8", "replace"), flush=True)


def plant(path, text=""):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "a") as file:
        file.write(MARK + "\n" + text)


def syscall(number, *arguments):
    """The system call's answer; OSError where it is refused."""
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    answer = libc.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer


def daemon(work):
    """Runs `work` twice forked, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            try:
                work()
            finally:
                os._exit(0)
        os._exit(0)


def of_this_place():
    """Processes that belong to this attack's own session: nobody else's on
    the machine is ever harmed, whatever the level."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                mine = os.path.dirname(CHECKOUT).encode() in file.read()
        except OSError:
            continue
        if mine and int(pid) != os.getpid():
            yield int(pid)
