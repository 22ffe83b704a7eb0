# attack: reads the environment of its own and of the engine's processes
# group: host
# sandboxed: stopped
# restricted: stopped
# unprotected: works (secret)
from prepare import *

finish()
print(dict(os.environ))
for pid in ["self", "1", str(os.getppid()), *of_this_place()]:
    attempt(lambda: leak(f"/proc/{pid}/environ"))
