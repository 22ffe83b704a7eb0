# attack: writes into the journal, and puts a note beside it
# group: ledger
# sandboxed: stopped
# restricted: stopped
# unprotected: works (planted)
from prepare import *

import sqlite3


def write():
    with sqlite3.connect(SESSION + "/journal.db", timeout=1) as journal:
        journal.execute("CREATE TABLE x (mark TEXT)")
        journal.execute("INSERT INTO x VALUES (?)", (MARK,))


finish()
attempt(write, lambda: plant(SESSION + "/note"))
