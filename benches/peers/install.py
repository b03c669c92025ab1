"""Installs the peers with pinned versions below target/, and tells how large each of them is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PEERS = ROOT / "target" / "peers"

TOOLS = {
    "wrk": "package wrk",
    "redis-server": "package redis-server",
    "npm": "packages nodejs and npm",
}


def check_tools():
    """Ends with a line for each tool that is missing."""
    missing = [f"{tool} ({package})" for tool, package in TOOLS.items() if not shutil.which(tool)]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
        missing.append("pip (package python3-pip)")
    if sys.platform != "linux":
        raise SystemExit("bench-peers: memory is read from /proc, so it runs on Linux only")
    if missing:
        raise SystemExit(f"bench-peers: install these first: {', '.join(missing)}")


def install():
    """Fills a folder for each peer, unless it holds the same already."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
           "--root-user-action", "ignore", "--target", "packages", "-r", "requirements.txt"]
    fill("fastapi_users", "requirements.txt", pip)
    fill("better_auth", "package-lock.json", ["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"])


def fill(name, pins, command):
    folder, marker = PEERS / name, PEERS / name / ".filled"
    wanted = f"{sys.version}\n{(HERE / name / pins).read_text()}"
    if not (marker.is_file() and marker.read_text() == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HERE / name, folder)
        if subprocess.run(command, cwd=folder).returncode:
            raise SystemExit(f"bench-peers: {command[0]} cannot install {name} into {folder}")
        marker.write_text(wanted)
    shutil.copytree(HERE / name, folder, dirs_exist_ok=True)


def node():
    """The Node that is pinned with the packages."""
    found = list((PEERS / "better_auth" / "node_modules").glob("node-linux-*/bin/node"))
    if not found:
        raise SystemExit("bench-peers: Node is pinned for Linux on x64 and arm64 alone")
    return str(found[0])


def sizes(binary):
    """What is installed for each service, in bytes: its own part, and what it runs on."""
    redis = Path(shutil.which("redis-server")).resolve().stat().st_size
    modules = PEERS / "better_auth" / "node_modules"
    runtime = Path(node())
    own = Path(binary).stat().st_size
    return {
        "Latchkey, embedded": (own, 0),
        "Latchkey, Redis": (own, redis),
        "FastAPI-Users": (size(PEERS / "fastapi_users" / "packages"), size_of_python()),
        "better-auth": (size(modules) - size(runtime.parent.parent), runtime.stat().st_size),
    }


def size(folder, leave_out=()):
    found = 0
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in leave_out]
        found += sum(os.lstat(os.path.join(place, name)).st_size for name in files)
    return found


def size_of_python():
    """The interpreter, its library and the standard library, without tests, caches and what else is installed."""
    base = Path(sys.base_prefix) / "lib"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = base / version
    leave_out = ("test", "tests", "idlelib", "site-packages", "dist-packages", "ensurepip", "__pycache__",
                 *(path.name for path in library.glob("config-*")))
    shared = {path.resolve() for path in base.glob(f"lib{version}*.so*")}
    found = size(library, leave_out) + sum(path.stat().st_size for path in shared)
    return found + Path(sys.executable).resolve().stat().st_size
