# attack: prints what compresses to nothing, to fill the disk when it is read again
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

finish()
sys.stdout.buffer.write(b"\0" * (40 << 20))
sys.stdout.flush()
time.sleep(1)
gained("40 MB of output")
