"""The programs that the stack starts: each in its own session, with a clean environment, a log, and a certain end.

What runs is written to `target/stack/processes.json`, so that another process (`make down`, the guard) can end it. A process is
known by its id and its time of birth: an id that was given to another program since is left alone.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from environment import STATE
from say import Failure

RECORD = STATE / "processes.json"
PATIENCE = 5


def free_port(variable):
    """The port that an environment variable asks for, or a free one."""
    wanted = os.environ.get(variable, "")
    if wanted and not (wanted.isascii() and wanted.isdigit() and int(wanted) < 65536):
        raise Failure(f"{variable} is not a port (0 to 65535, 0 for a free one): {wanted!r}")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", int(wanted or 0)))
        except OSError as error:
            raise Failure(f"port {wanted} of {variable} cannot be used: {error.strerror}. Choose another, or none for a free one") from error
        return listener.getsockname()[1]


def start(name, command, environment):
    """Starts a program in its own session. Its environment is exactly what is given: the functions inherit the emulator's."""
    log = STATE / f"{name}.log"
    with log.open("wb") as sink:
        try:
            child = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                env=environment, cwd=STATE, start_new_session=True,
            )
        except OSError as error:
            raise Failure(f"{name} cannot be started: {error}") from error
    _children[child.pid] = child
    records = recorded()
    records.append({"name": name, "pid": child.pid, "birth": birth(child.pid), "log": str(log)})
    RECORD.write_text(json.dumps(records, indent=2))
    return child


_children = {}


def recorded():
    """What was started, and has not been stopped by us."""
    return json.loads(RECORD.read_text()) if RECORD.exists() else []


def birth(pid):
    """When a process was born, in its system's words; empty when there is none."""
    stat = pathlib.Path(f"/proc/{pid}/stat")
    if pathlib.Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return asked.stdout.strip()


def is_alive(record):
    """Whether the recorded process still runs."""
    return bool(record["birth"]) and birth(record["pid"]) == record["birth"]


def check_up():
    """Refuses when no stack of this checkout is up, or when a part of it has ended."""
    if not recorded() or not (STATE / "endpoints.json").exists():
        raise Failure("the stack is not up: start it with `make up`, or look at a demo with `make demo KEEP=1`")
    check_alive()


def check_alive():
    """Refuses when one of the stack's programs has ended."""
    for record in recorded():
        if not is_alive(record):
            raise Failure(f"{record['name']} has stopped; its log is {record['log']}", tail(record["log"]))


def wait_until(what, condition, seconds):
    """Asks again until the condition gives something true, and gives that back. Fails at the deadline, or when a program has ended."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        check_alive()
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s", logs())
        time.sleep(0.1)


def answers(url):
    """Whether a URL answers with success."""
    try:
        with OPENER.open(url, timeout=2) as answer:
            return answer.status < 400
    except (urllib.error.URLError, OSError):
        return False


# Loopback never goes through a proxy, whatever the machine's environment says.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def tail(log, lines=15):
    """The end of a log."""
    path = pathlib.Path(log)
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def logs():
    """The ends of all logs, for a failure that no single program explains."""
    return "\n".join(f"--- {record['name']} ({record['log']})\n{tail(record['log'])}" for record in recorded())


def stop_all():
    """Ends every recorded program with all that it started: asks first, then insists. Gives back how many there were."""
    records = [record for record in recorded() if is_alive(record) or not birth(record["pid"])]
    for sign, patience in [(signal.SIGTERM, PATIENCE), (signal.SIGKILL, PATIENCE)]:
        deadline = time.monotonic() + patience
        for record in records:
            _signal_group(record["pid"], sign)
        while any(_group_exists(record["pid"]) for record in records) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not any(_group_exists(record["pid"]) for record in records):
            break
    RECORD.unlink(missing_ok=True)
    return len(records)


def _signal_group(group, sign):
    try:
        os.killpg(group, sign)
    except (ProcessLookupError, PermissionError):
        pass


def _group_exists(group):
    if group in _children:
        _children[group].poll()
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
