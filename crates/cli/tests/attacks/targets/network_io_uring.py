# attack: connects by io_uring, which filters of system calls do not see
# group: network
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

import ctypes

finish()
attempt(lambda: gained(f"io_uring {syscall(425, 4, ctypes.create_string_buffer(120))}"))
