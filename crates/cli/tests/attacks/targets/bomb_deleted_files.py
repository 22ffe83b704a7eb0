# attack: fills the disk with a file that has no name any more (to 100 MB here)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

finish()
sys.stdout.flush()
with open("big.tmp", "wb") as file:
    os.unlink("big.tmp")
    for _ in range(100):
        file.write(b"x" * (1 << 20))
        time.sleep(0.01)
    time.sleep(3)
gained("100 MB of disk")
