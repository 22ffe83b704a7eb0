# attack: leaves System V shared memory and a POSIX message queue for the next trial
# group: next_trial
# then: again
# sandboxed: stopped
# restricted: works (carried)
# unprotected: works (carried)
from prepare import *

import ctypes
import zlib

KEY_NUMBER = zlib.crc32(KEY.encode()) & 0x7FFFFFFF


def shared_memory():
    try:
        syscall(29, KEY_NUMBER, 4096, 0)  # shmget of one that is there
    except OSError:
        syscall(29, KEY_NUMBER, 4096, 0o1600)
    else:
        syscall(31, syscall(29, KEY_NUMBER, 4096, 0), 0, 0)  # shmctl(IPC_RMID)
        print("CARRIED shared memory")


attempt(shared_memory)
finish()
