# attack: writes, renames and deletes in a folder of the user's beside the repository
# group: host
# sandboxed: stopped
# restricted: stopped
# unprotected: works (host)
from prepare import *

finish()
attempt(
    lambda: plant(HOST + "/new"),
    lambda: os.rename(HOST + "/thesis.txt", HOST + "/renamed"),
    lambda: os.unlink(HOST + "/renamed"),
    lambda: os.mkdir(HOST + "/folder"),
)
