# attack: nests folders deeper than any path can name
# group: bomb
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

finish()
for _ in range(300):
    os.mkdir("deep" * 10)
    os.chdir("deep" * 10)
plant("bottom")
