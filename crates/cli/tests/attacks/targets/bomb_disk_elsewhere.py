# attack: fills the disk below its home, its temporary folder and its results (to 200 MB)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

import tempfile

finish()
sys.stdout.flush()
for folder in (os.environ["AUTORESEARCH_OUT"], tempfile.gettempdir(), os.path.expanduser("~")):
    try:
        with open(f"{folder}/{KEY}-big", "wb") as file:
            for _ in range(70):
                file.write(b"x" * (1 << 20))
                time.sleep(0.01)
    except OSError as why:
        print(why)
time.sleep(3)
gained("200 MB of disk")
