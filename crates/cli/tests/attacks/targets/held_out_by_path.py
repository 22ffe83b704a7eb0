# attack: reads the held-out data by the user's path, by dots, and by a link
# group: held_out
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: works (secret)
from prepare import *

finish()
attempt(
    lambda: leak("answers/answers.txt"),
    lambda: leak("../measure-1/answers/answers.txt"),
    lambda: leak("../../../answers/answers.txt"),
    lambda: leak(CHECKOUT + "/answers/answers.txt"),
    lambda: os.symlink(CHECKOUT + "/answers", "linked"),
    lambda: leak("linked/answers.txt"),
    lambda: os.link(CHECKOUT + "/answers/answers.txt", "hard.txt"),
    lambda: leak("hard.txt"),
)
