"""What the stack needs on this machine: the tools, and a virtual environment with the pinned emulators.

Only the standard library is used here: this file runs before the virtual environment exists.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import say
from say import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = ROOT / "target" / "stack"
VENV = ROOT / ".venv"
LOCK = pathlib.Path(__file__).with_name("requirements.lock")
OLDEST_PYTHON = (3, 10)

TOOLS = {
    "cargo": "Rust: https://rustup.rs (the version is pinned in rust-toolchain.toml)",
    "cc": "a C compiler: Debian and Ubuntu: apt install gcc libc6-dev; Fedora: dnf install gcc; macOS: xcode-select --install",
    "git": "git: Debian and Ubuntu: apt install git; Fedora: dnf install git; macOS: xcode-select --install",
}


def check_tools():
    """Refuses, with one line for each missing tool."""
    missing = [f"{tool} is missing. It comes with {hint}" for tool, hint in TOOLS.items() if not shutil.which(tool)]
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        wanted = ".".join(map(str, OLDEST_PYTHON))
        missing.append(f"Python {wanted} or newer is needed, found {found}. Say which one to use: make demo PYTHON=python3.12")
    if shutil.which("git"):
        backend = pathlib.Path(output(["git", "--exec-path"])) / "git-http-backend"
        if not backend.exists():
            missing.append(f"git http-backend is missing ({backend}): the forge serves pushes with it; install git's full package")
    if missing:
        raise Failure("\n        ".join(missing))


def output(command, **options):
    """What a short command prints."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise Failure(f"`{' '.join(map(str, command))}` ended with {done.returncode}", done.stderr)
    return done.stdout.strip()


def in_venv():
    """Whether this interpreter is the virtual environment's."""
    return pathlib.Path(sys.prefix).resolve() == VENV.resolve()


def venv_is_ready():
    """Whether the virtual environment holds what the lock says, for this Python."""
    stamp = VENV / "penstock.stamp"
    return stamp.exists() and stamp.read_text() == fingerprint() and (VENV / "bin" / "python").exists()


def fingerprint():
    """The lock and the interpreter: when one changes, the environment is made again."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{version} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"


def make_venv():
    """Makes the virtual environment from the lock; every package is checked against its hash."""
    say.line("First: making .venv with the pinned Python packages (about 30 s, some 70 MB to download) …")
    if VENV.exists():
        shutil.rmtree(VENV)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if made.returncode != 0:
        free = shutil.disk_usage(ROOT).free // (1024 * 1024)
        raise Failure(
            f"Python cannot make a virtual environment ({free} MB are free here, and it needs 250). Debian and Ubuntu: apt install python3-venv",
            made.stdout + made.stderr,
        )
    install = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", LOCK]
    done = subprocess.run(list(map(str, install)), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure("pip could not install the pinned emulators (is the package index reachable?)", done.stderr)
    (VENV / "penstock.stamp").write_text(fingerprint())


def enter_venv():
    """Goes on in the virtual environment's interpreter; does not return."""
    python = VENV / "bin" / "python"
    here = pathlib.Path(__file__).parent
    os.execve(python, [str(python), str(here), *sys.argv[1:]], {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


def target_directory():
    """Where cargo puts what it builds."""
    metadata = output(["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"], cwd=ROOT)
    return pathlib.Path(json.loads(metadata)["target_directory"])


def built_before(contract):
    """Whether an earlier build is there, so that the next one is short."""
    debug = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
    return all((debug / name).exists() for name in [*contract["functions"], "forge", "engine"])


def expected_duration(contract, seconds):
    """What the person will wait, in words."""
    built = f"about {seconds} s" if seconds < 90 else f"about {round(seconds / 60)} minutes"
    if built_before(contract):
        return f"{built}, and the time cargo needs for what changed"
    return f"10 to 20 minutes, nearly all of it the first build of some 450 crates; {built} the next time"


def build():
    """One build of the workspace's programs; cargo shows its own progress."""
    done = subprocess.run(["cargo", "build", "--workspace", "--locked"], cwd=ROOT, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Failure("the workspace does not build: see cargo's messages above")
    return target_directory() / "debug"


def contract():
    """The generated contract: functions, events, patterns, schedules, grants."""
    return json.loads((ROOT / "events" / "contract.json").read_text())
