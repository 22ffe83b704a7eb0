"""A stand-in for docker: a daemon that holds containers, and its client.

`docker.py daemon` holds them: processes of its own, outside of whoever called
the client, with the environment that the client's `-e` gave and nothing else.
Any other words are the client's. Whatever it was called with is in `calls`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading

HOME = os.environ["FAKE_DOCKER"]
SOCKET = os.path.join(HOME, "socket")
SWITCHES = {"--rm", "-T", "-i", "--init", "--force", "--volumes", "--all", "--quiet"}
containers = {}
lock = threading.Lock()
count = 0


def parse(words):
    """Flags with their values, and what comes after them."""
    flags, at = [], 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] in SWITCHES:
            flags.append((words[at], None))
            at += 1
        else:
            flags.append((words[at], words[at + 1]))
            at += 2
    return flags, words[at:]


def values(flags, name):
    return [value for flag, value in flags if flag == name]


def serve(connection):
    stream = connection.makefile("rwb")
    request = json.loads(stream.readline())
    words, environment = request["words"], request["environment"]
    flags, words = parse(words)
    if words[0] == "compose":
        flags, words = parse(words[1:])
    action = words[0]
    flags, rest = parse(words[1:])
    code, text = 0, ""
    try:
        if action == "run":
            run(stream, request["directory"], environment, flags, rest)
            return
        if action == "ps":
            wanted = set(values(flags, "--filter"))
            with lock:
                found = [c for c in containers.values() if wanted <= set(c["labels"])]
            text = "".join(c["id"] + "\n" for c in found)
        elif action == "kill":
            for name in rest:
                box = find(name)
                if box["process"].poll() is not None:
                    raise LookupError(name + " is not running")
                number = getattr(signal, "SIG" + (values(flags, "--signal") or ["KILL"])[0])
                os.killpg(box["process"].pid, number)
        elif action == "rm":
            for name in rest:
                box = find(name)
                if box["process"].poll() is None:
                    os.killpg(box["process"].pid, signal.SIGKILL)
                box["process"].wait()
                forget(box)
        elif action == "inspect":
            text = "".join(
                "true\n" if find(name)["process"].wait() == 137 else "false\n" for name in rest
            )
    except LookupError as error:
        code, text = 1, f"no such container: {error}\n"
    say(stream, {"text": text}, {"code": code})


def run(stream, directory, environment, flags, rest):
    global count
    inside = {"PATH": os.environ["PATH"]}
    for variable in values(flags, "-e"):
        name, _, value = variable.partition("=")
        inside[name] = value if "=" in variable else environment[name]
    (name,) = values(flags, "--name")
    with lock:
        taken = name in containers
        if not taken:
            process = subprocess.Popen(
                rest[1:],
                cwd=directory,
                env=inside,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            count += 1
            box = {"id": f"id{count}", "name": name, "process": process}
            box["labels"] = ["label=" + label for label in values(flags, "--label")]
            containers[name] = box
            with open(os.path.join(HOME, "pids"), "a") as pids:
                print(process.pid, file=pids)
    if taken:
        say(stream, {"text": "the name is in use\n"}, {"code": 125})
        return
    for line in process.stdout:
        say(stream, {"text": line.decode()})
    code = process.wait()
    if ("--rm", None) in flags:
        forget(box)
    say(stream, {"code": code if code >= 0 else 128 - code})


def say(stream, *answers):
    """To a client that may be gone: then the container goes on."""
    try:
        for answer in answers:
            stream.write(json.dumps(answer).encode() + b"\n")
        stream.flush()
    except OSError:
        pass


def find(name):
    with lock:
        for box in containers.values():
            if name in (box["name"], box["id"]):
                return box
    raise LookupError(name)


def forget(box):
    with lock:
        containers.pop(box["name"], None)


def daemon():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(SOCKET)
    listener.listen()
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def client(words):
    with open(os.path.join(HOME, "calls"), "a") as calls:
        print(" ".join(words), file=calls)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(SOCKET)
    stream = connection.makefile("rwb")
    request = {"words": words, "environment": dict(os.environ), "directory": os.getcwd()}
    stream.write(json.dumps(request).encode() + b"\n")
    stream.flush()
    for line in stream:
        answer = json.loads(line)
        if "code" in answer:
            sys.exit(answer["code"])
        print(answer["text"], end="", flush=True)
    sys.exit(125)


if sys.argv[1:] == ["daemon"]:
    daemon()
else:
    client(sys.argv[1:])
