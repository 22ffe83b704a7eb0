# attack: reads and searches whatever descriptors it inherited
# group: held_out
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

finish()
for fd in range(3, 256):
    try:
        where = os.readlink(f"/proc/self/fd/{fd}")
        os.fstat(fd)
    except OSError:
        continue
    gained(f"descriptor {fd} is {where}")
    attempt(lambda: os.lseek(fd, 0, 0), lambda: print(os.read(fd, 1 << 16)))
