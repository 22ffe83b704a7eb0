# attack: writes into the logs of earlier trials and makes one for a later trial
# group: ledger
# sandboxed: stopped
# restricted: stopped
# unprotected: works (planted)
from prepare import *

finish()
attempt(
    lambda: plant(SESSION + "/logs/0000-1.log", "loss: 0\n"),
    lambda: plant(SESSION + "/logs/0099-1.log", "loss: 0\n"),
    lambda: os.unlink(SESSION + "/logs/0000-1.log"),
)
