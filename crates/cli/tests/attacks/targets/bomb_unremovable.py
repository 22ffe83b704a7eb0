# attack: leaves folders that cannot be listed, entered or removed
# group: bomb
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

import fcntl
import struct

finish()
os.makedirs("locked/inside")
plant("locked/inside/file")
for flag in (0x10, 0x20):  # chattr +i, +a: fails without the power to
    fd = os.open("locked/inside/file", os.O_RDONLY)
    if LEVEL != "unprotected":
        attempt(lambda: fcntl.ioctl(fd, 0x40086602, struct.pack("l", flag)))
os.chmod("locked/inside", 0)
os.chmod("locked", 0)
os.chmod(".", 0o500)
