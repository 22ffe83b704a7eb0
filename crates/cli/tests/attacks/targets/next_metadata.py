# attack: leaves word in the times, modes and attributes of files that git keeps
# group: next_trial
# then: again
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

FILE = "README.md"
if os.stat(FILE).st_mode & 0o777 == 0o751 or os.stat("docs").st_mode & 0o777 == 0o701:
    print("CARRIED a mode")
if os.stat(FILE).st_mtime == 1234567890:
    print("CARRIED a time")
if os.listxattr(FILE):
    print("CARRIED an attribute")
attempt(
    lambda: os.utime(FILE, (1234567890, 1234567890)),
    lambda: os.setxattr(FILE, "user.left", b"x"),
    lambda: os.chmod(FILE, 0o751),
    lambda: os.chmod("docs", 0o701),
)
finish()
