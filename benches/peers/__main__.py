"""Measures Latchkey beside its peers, in turns on this machine, and prints tables in Markdown.

`python3 benches/peers [BINARY]`: without a binary it is built. PEERS_SECONDS is how long each figure is measured in each
round (4), PEERS_ROUNDS how many rounds there are (3). README.md says what is alike and what is not.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import install
import services
from process import Watch, total
from table import Row, table, who_is_ahead

SECONDS = int(os.environ.get("PEERS_SECONDS", "4"))
ROUNDS = int(os.environ.get("PEERS_ROUNDS", "3"))
PEOPLE = 64
STARTS = 3
AT_ONCE = (1, 16)
ARGON2 = "$argon2id$v=19$m=19456,t=2,p=1$"
SCRIPT = install.ROOT / "benches" / "load.lua"
OPERATIONS = ("sign-in", "read-me", "register")


class Results:
    """What was measured: for each thing and each service, a list of values."""

    def __init__(self):
        self.values = defaultdict(lambda: defaultdict(list))
        self.errors = defaultdict(lambda: defaultdict(int))

    def add(self, thing, service, value):
        self.values[thing][service.name].append(value)

    def row(self, thing, unit, **more):
        return Row(thing[0], unit, self.values[thing], errors=self.errors[thing[0]], **more)


def check(condition, service, what):
    if not condition:
        raise SystemExit(f"{service.processes[0].log.read_text()[-2000:]}\nbench-peers: {service.name}: {what}")


def seed(service):
    """Registers people, signs them in, and sees that the service tells right from wrong."""
    emails = [f"person{number}@example.com" for number in range(PEOPLE)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made, begun = [
            list(pool.map(lambda email: service.send(request(email)), emails))
            for request in (service.register, service.sign_in)
        ]
    statuses = [{answer.status for answer in answers} for answers in (made, begun)]
    check(set.union(*statuses) <= {200, 201}, service, f"registering is answered {statuses[0]}, signing in {statuses[1]}")
    tokens = [service.token(answer) for answer in begun]
    refused = service.send(service.sign_in(emails[0], "a wrong password")).status
    check(refused in (400, 401), service, f"a wrong password is answered {refused}")
    stranger = service.send(service.read_me("x" * len(tokens[0])))
    check(stranger.status == 401 or stranger.body is None, service, "a wrong token reads somebody")
    knows_everybody(service, emails, tokens)
    return emails, tokens


def knows_everybody(service, emails, tokens):
    for email, token in zip(emails, tokens):
        check(service.email(service.send(service.read_me(token))) == email, service, f"{email} is not signed in")


def load(service, requests, at_once, seconds, first):
    """Sends requests for some seconds, from so many connections at once."""
    file = service.folder / "requests"
    file.write_text("".join("\t".join(request) + "\n" for request in requests))
    command = ["wrk", "-t1", f"-c{at_once}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT),
               f"http://127.0.0.1:{service.port}", "--", str(file), str(first)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(said.splitlines()[-1])


def measure(service, results):
    """One turn of one service: its starts, its memory, its speed."""
    service.prepare()
    results.add(("the hash alone, on all cores", "rate"), service, service.hashes_alone())
    service.start()  # what is made once: keys, files
    for _ in range(STARTS):
        service.stop()
        results.add(("start to first answer",), service, service.start() * 1e3)
    time.sleep(2)
    idle = total(service.processes)
    emails, tokens = seed(service)
    requests = dict(zip(OPERATIONS, (
        [service.sign_in(email) for email in emails],
        [service.read_me(token) for token in tokens],
        [service.register("new{n}@example.com")],
    )))
    registered, first = len(emails), 0
    for operation in OPERATIONS:
        load(service, requests[operation], max(AT_ONCE), 1, first := first + 10**7)
    with Watch(service.processes) as watch:
        for operation in OPERATIONS:
            for at_once in AT_ONCE:
                # Its answer comes after what wrk has left behind.
                service.send(service.sign_in(emails[0]))
                found = load(service, requests[operation], at_once, SECONDS, first := first + 10**7)
                check(found["answers"], service, f"no answer in {SECONDS} s: set PEERS_SECONDS to more")
                name = f"{operation}, {at_once} at once"
                good = found["answers"] - found["refused"]
                results.add((name, "rate"), service, good / found["seconds"])
                results.add((name, "p50"), service, found["p50"])
                results.add((name, "p99"), service, found["p99"])
                results.errors[name][service.name] += found["refused"] + found["broken"]
                registered += good if operation == "register" else 0
    for when, memory in (("idle", idle), ("under load", watch.largest)):
        for kind, value in memory.items():
            results.add((f"memory {when}", kind), service, value / 2**20)
    knows_everybody(service, emails, tokens)
    service.stop()
    hashes = service.hashes()
    check(set(hashes) == {ARGON2}, service, f"passwords are hashed as {set(hashes)}")
    check(len(hashes) >= registered, service, f"{registered} people were registered and {len(hashes)} are there")


def turn(kind, results):
    """A service with a new folder on the disk of the project, whatever becomes of it."""
    folder = install.PEERS / "data"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    service = kind(folder)
    try:
        measure(service, results)
    finally:
        if service.processes:
            service.stop()
        service.end()
        shutil.rmtree(folder, ignore_errors=True)


def environment(binary):
    def said(*command):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return "\n".join([
        f"- {os.cpu_count()} cores, {model.partition(': ')[2] or 'model unknown'}; Linux {platform.release()}; "
        f"load before this {os.getloadavg()[0]:.2f}",
        f"- {said(binary, '--version')}; {said('redis-server', '--version').split(' sha')[0]}; "
        f"Python {platform.python_version()}; Node {said(install.node(), '--version')}",
        f"- {ROUNDS} rounds of {SECONDS} s for each figure, medians; spread is that of the service that varied the most",
        "- in brackets: divided by the first column; in bold: the best of the row",
    ])


def main():
    install.check_tools()
    if len(sys.argv) > 1:
        binary = Path(sys.argv[1]).resolve()
    else:
        subprocess.run(["cargo", "build", "--release", "--locked"], check=True, cwd=install.ROOT)
        binary = install.ROOT / "target" / "release" / "latchkey"
    services.Latchkey.binary = binary
    install.install()
    before, results = environment(binary), Results()
    for number in range(ROUNDS):
        # Each round begins with another one, so that none always comes first.
        for kind in services.ALL[number:] + services.ALL[:number]:
            print(f"bench-peers: round {number + 1} of {ROUNDS}: {kind.name}", file=sys.stderr)
            turn(kind, results)
    names = [kind.name for kind in services.ALL]
    loads = [f"{operation}, {at_once} at once" for operation in OPERATIONS for at_once in AT_ONCE]
    rates = [results.row((name, "rate"), "requests/s", most_is_best=True) for name in loads]
    rates.append(results.row(("the hash alone, on all cores", "rate"), "hashes/s", most_is_best=True))
    times = [results.row((name, kind), f"{kind} in ms") for name in loads for kind in ("p50", "p99")]
    costs = [results.row(("start to first answer",), "ms")]
    for when in ("idle", "under load"):
        costs += [results.row((f"memory {when}", kind), f"{kind.upper()} in MiB") for kind in ("Rss", "Pss")]
    sizes = install.sizes(binary)
    for what, parts in (("installed", slice(0, 1)), ("installed with what it runs on", slice(0, 2))):
        costs.append(Row(what, "MB", {name: [sum(sizes[name][parts]) / 1e6] for name in names}))
    print(before, table("speed", rates, names), table("time of an answer", times, names), table("cost", costs, names),
          who_is_ahead(rates + times + costs, names[0]), sep="\n\n")


if __name__ == "__main__":
    main()
