"""A server as a process of its own: started, asked, watched, stopped by its id."""

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

PATIENCE = 30  # seconds until a server has to answer, and to have stopped


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A running server. Its log goes to a file, as it would elsewhere."""

    def __init__(self, command, port, path, folder, environment):
        """Starts it and waits for the first answer to a GET of `path`, or for the port alone without one."""
        self.log = folder / "log"
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not answers(port, path):
            if ended(self.child.pid) or time.monotonic() - begun > PATIENCE:
                self.stop()
                raise SystemExit(f"bench-peers: {command[0]} did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.002)
        self.started_in = time.monotonic() - begun

    def stop(self):
        """Asks it to stop, and ends what is left of its own session."""
        if self.child.returncode is not None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()

    def memory(self):
        """What it and its children hold, in bytes: resident (RSS), and with shared pages counted once (PSS)."""
        found = {"Rss": 0, "Pss": 0}
        for pid in tree(self.child.pid):
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            for name, _, value in (line.partition(":") for line in lines):
                if name in found:
                    found[name] += int(value.split()[0]) * 1024
        return found


def ended(pid):
    """Whether it has ended, and leaves it to `stop` to collect it: until then nobody else can have its id."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def answers(port, path):
    """Asks by a plain socket, so that no client has to be set up while the clock runs."""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as stream:
            if not path:
                return True
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            return stream.recv(12).startswith(b"HTTP/1.1 ")
    except OSError:
        return False


def tree(pid):
    """The process and all that come from it."""
    yield pid
    try:
        children = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except FileNotFoundError:
        return
    for child in " ".join(children).split():
        yield from tree(int(child))


class Watch:
    """Notes the largest memory of processes while it is open."""

    def __init__(self, processes):
        self.processes = processes
        self.largest = {"Rss": 0, "Pss": 0}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.wait(0.5):
            now = total(self.processes)
            self.largest = {kind: max(self.largest[kind], now[kind]) for kind in now}

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def total(processes):
    each = [process.memory() for process in processes]
    return {kind: sum(memory[kind] for memory in each) for kind in ("Rss", "Pss")}
