# attack: leaves modules in the user's home that every Python imports at its start, the sealed one as well
# group: seal
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: works (cheat, host, poison)
from prepare import *

CODE = "import os, sys\nif 'train' not in ' '.join(sys.orig_argv): print('loss: 0', flush=True); os._exit(0)\n"


def site(home):
    folder = f"{home}/.local/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    plant(folder + "/usercustomize.py", "\n")
    with open(folder + "/usercustomize.py", "w") as file:
        file.write(CODE + f"# {MARK}\n")
    with open(folder + "/x.pth", "w") as file:
        file.write("import usercustomize\n")


finish()
attempt(lambda: site(USER_HOME), lambda: site(os.path.expanduser("~")))
