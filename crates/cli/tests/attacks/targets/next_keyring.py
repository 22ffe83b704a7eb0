# attack: leaves a key in the kernel's keyring of the user for the next trial
# group: next_trial
# then: again
# sandboxed: stopped
# restricted: stopped
# unprotected: works (carried)
from prepare import *

USER_KEYRING = -4


def keyring():
    try:
        key = syscall(250, 10, USER_KEYRING, b"user", KEY.encode(), 0)  # keyctl(SEARCH)
    except OSError:
        syscall(248, b"user", KEY.encode(), b"x", 1, USER_KEYRING)  # add_key
    else:
        print("CARRIED a key")
        syscall(250, 9, key, USER_KEYRING)  # keyctl(UNLINK)


attempt(keyring)
finish()
