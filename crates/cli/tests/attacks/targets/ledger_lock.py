# attack: takes the session's lock away and spoils the table of results
# group: ledger
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

finish()
attempt(
    lambda: os.unlink(SESSION + "/lock"),
    lambda: plant(SESSION + "/lock"),
    lambda: plant(CHECKOUT + "/results.tsv"),
)
