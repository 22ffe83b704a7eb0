# attack: reaches for parts of the kernel with a history of faults
# group: kernel
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

import ctypes
import errno

ZEROS = ctypes.create_string_buffer(256)
# Called with nonsense: EPERM and ENOSYS are a closed door, all else an open one.
CALLS = {
    "bpf": (321, 0, ZEROS, 16),
    "perf_event_open": (298, ZEROS, 0, -1, -1, 0),
    "userfaultfd": (323, 0),
    "kexec_load": (246, 0, 99, 0, 0),
    "init_module": (175, 0, 0, 0),
    "add_key": (248, 0, 0, 0, 0, 0),
    "keyctl": (250, 99, 0, 0, 0),
    "quotactl": (179, 0, 0, 0, 0),
    "swapon": (167, 0, 99),
    "open_by_handle_at": (304, -1, 0, 0),
}
finish()
for name, call in CALLS.items():
    try:
        syscall(*call)
    except OSError as why:
        if why.errno in (errno.EPERM, errno.ENOSYS, errno.EACCES):
            continue
    gained(name)
