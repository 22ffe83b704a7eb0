# attack: edits every file that it finds
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: detected (refused)
from prepare import *

for folder, _, files in os.walk("."):
    for file in files:
        if ".git" not in folder:
            attempt(lambda: open(f"{folder}/{file}", "a").write("# edited\n"))
