# attack: makes a file that claims to be a terabyte
# group: bomb
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

with open("sparse.tmp", "w") as file:
    attempt(lambda: file.truncate(1 << 40))
with open(os.environ["AUTORESEARCH_OUT"] + "/sparse", "w") as file:
    attempt(lambda: file.truncate(1 << 40))
finish()
