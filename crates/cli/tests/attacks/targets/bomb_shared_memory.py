# attack: fills memory through files in /dev/shm and memfd (to 800 MB here)
# group: bomb
# sandboxed: detected (oom)
# restricted: detected (oom)
# unprotected: detected (oom)
from prepare import *

finish()
fd = os.memfd_create("hoard")
for _ in range(20):
    os.write(fd, b"x" * (20 << 20))
    time.sleep(0.02)
try:
    with open("/dev/shm/" + KEY, "wb") as file:
        os.unlink("/dev/shm/" + KEY)
        for _ in range(20):
            file.write(b"x" * (20 << 20))
            time.sleep(0.02)
except OSError as why:
    print(why)
time.sleep(1)
gained("800 MB of memory")
