# attack: writes the user's HEAD, index and excludes
# group: git
# sandboxed: stopped
# restricted: stopped
# unprotected: works (checkout, planted)
from prepare import *

def head():
    with open(CHECKOUT + "/.git/HEAD", "w") as file:
        file.write("ref: refs/heads/other\n")


finish()
attempt(
    head,
    lambda: os.truncate(CHECKOUT + "/.git/index", 0),
    lambda: plant(CHECKOUT + "/.git/info/exclude", "*\n"),
    lambda: plant(CHECKOUT + "/.git/info/attributes", "* filter=x\n"),
)
