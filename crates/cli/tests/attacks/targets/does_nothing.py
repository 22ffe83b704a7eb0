# attack: none: an honest run, so that the suite itself is seen to be fair
# group: honest
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

finish()
