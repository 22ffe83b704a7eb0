# attack: takes the mode of the user's files away, which no rule for writing covers
# group: host
# sandboxed: stopped
# restricted: works (host)
# unprotected: works (host)
from prepare import *

finish()
attempt(
    lambda: os.chmod(HOST + "/thesis.txt", 0),
    lambda: os.chmod(USER_HOME + "/.ssh", 0o777),
    lambda: os.chown(HOST + "/thesis.txt", 12345, 12345),
    lambda: os.setxattr(HOST + "/thesis.txt", "user.x", b"1"),
)
