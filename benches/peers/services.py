"""The services that are held against each other: how each is set up, started and spoken to."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from statistics import median
from typing import NamedTuple

from install import PEERS, node
from process import Process, free_port

PASSWORD = "correct horse battery staple"
# Long enough for each of them, and worth nothing.
SECRET = "a secret of this benchmark and of nothing else"
WORKERS = str(os.cpu_count())

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HASH = re.compile(r"\$argon2[a-z]+\$v=\d+\$m=\d+,t=\d+,p=\d+\$")


class Request(NamedTuple):
    """A request: `../load.lua` reads these fields, in this order."""

    method: str
    path: str
    kind: str = ""
    token: str = ""
    body: str = ""


class Answer(NamedTuple):
    status: int
    headers: object
    body: object


class Service:
    """One of them. `folder` is where its data are."""

    name = me = ""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []

    def prepare(self):
        """Makes what is there before the first start, such as tables."""

    def hashes_alone(self):
        """How many hashes a second its library makes on all cores, while nothing else is done."""
        command, environment = self.hashing()
        return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)

    def start(self):
        """Starts it on a free port, and tells how long that took until its first answer."""
        self.port = free_port()
        command, environment = self.command()
        process = Process(command, self.port, self.me, self.folder, {"PATH": os.environ["PATH"], **environment})
        self.processes = [process, *self.beside()]
        return process.started_in

    def beside(self):
        """The servers that it does not run without."""
        return []

    def stop(self):
        self.processes[0].stop()

    def end(self):
        """Ends what is beside it."""

    def send(self, request):
        headers = {"Content-Type": request.kind} if request.kind else {}
        if request.token:
            headers["Authorization"] = f"Bearer {request.token}"
        sent = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{request.path}", request.body.encode() or None, headers, method=request.method
        )
        try:
            # No proxy that the environment names.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sent, timeout=30) as answer:
                return Answer(answer.status, answer.headers, json.loads(answer.read() or "null"))
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.headers, None)

    def read_me(self, token):
        return Request("GET", self.me, token=token)


class Latchkey(Service):
    """The release binary with its defaults on the embedded store, but for throttles that count and never refuse."""

    name = "Latchkey, embedded"
    me = "/v1/users/me"
    binary = None
    limits = ["password-attempts", "password-attempts-per-address", "registrations-per-address", "mails-per-address",
              "mails-per-sender"]

    def store(self):
        return ["--data-dir", str(self.folder / "data")]

    def command(self):
        wide = [f"--{limit}=1000000/1m" for limit in self.limits]
        return [str(self.binary), "--listen", f"127.0.0.1:{self.port}", *wide, *self.store()], {}

    def register(self, email):
        return Request("POST", "/v1/users", JSON, body=json.dumps({"email": email, "password": PASSWORD}))

    def sign_in(self, email, password=PASSWORD):
        return Request("POST", "/v1/sessions", JSON, body=json.dumps({"login": email, "password": password}))

    def token(self, answer):
        return answer.body["access_token"]

    def email(self, answer):
        return answer.body["email"]

    def hashes_alone(self):
        return median(self.hash_cost() for _ in range(5))

    def hash_cost(self):
        # For the least time it measures what OWASP asks for at the least, and this is one of that.
        command = [str(self.binary), "hash-cost", "--target", "0s", "--json"]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env={}).stdout)["measured"]
        return next(row["hashes_per_second"] for row in found if (row["memory_kib"], row["iterations"]) == (19456, 2))

    def hashes(self):
        """The parameters of all the hashes that it keeps; it is stopped meanwhile."""
        command = [str(self.binary), "export", *self.store()]
        return HASH.findall(subprocess.run(command, check=True, capture_output=True, text=True, env={}).stdout)


class LatchkeyOnRedis(Latchkey):
    """The same with Redis on this machine, which syncs its disk every second. Its memory counts too."""

    name = "Latchkey, Redis"
    redis = None

    def prepare(self):
        port = free_port()
        folder = self.folder / "redis"
        folder.mkdir()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
                   "--appendonly", "yes", "--appendfsync", "everysec"]
        self.redis = Process(command, port, None, folder, {"PATH": os.environ["PATH"]})
        self.url = f"redis://127.0.0.1:{port}"

    def store(self):
        return [*super().store(), "--redis-url", self.url]

    def beside(self):
        return [self.redis]

    def end(self):
        if self.redis:
            self.redis.stop()


class FastApiUsers(Service):
    """FastAPI-Users on uvicorn with a worker for each core, SQLite by SQLAlchemy and aiosqlite."""

    name = "FastAPI-Users"
    me = "/users/me"
    home = PEERS / "fastapi_users"

    def environment(self):
        return {"PYTHONPATH": f"{self.home / 'packages'}:{self.home}", "DATABASE": f"{self.folder}/db", "SECRET": SECRET}

    def prepare(self):
        subprocess.run([sys.executable, self.home / "app.py"], check=True, env=self.environment())

    def hashing(self):
        return [sys.executable, self.home / "hashes.py"], self.environment()

    def command(self):
        arguments = ["-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(self.port), "--workers", WORKERS]
        return [sys.executable, *arguments], self.environment()

    def register(self, email):
        return Request("POST", "/auth/register", JSON, body=json.dumps({"email": email, "password": PASSWORD}))

    def sign_in(self, email, password=PASSWORD):
        form = urllib.parse.urlencode({"username": email, "password": password})
        return Request("POST", "/auth/login", FORM, body=form)

    def token(self, answer):
        return answer.body["access_token"]

    def email(self, answer):
        return answer.body["email"]

    def hashes(self):
        return stored(self.folder / "db", "select hashed_password from user")


class BetterAuth(Service):
    """better-auth on Node in one process, SQLite by better-sqlite3. README.md says why it is one."""

    name = "better-auth"
    me = "/api/auth/get-session"
    home = PEERS / "better_auth"

    def environment(self):
        return {"NODE_ENV": "production", "DATABASE": f"{self.folder}/db", "BETTER_AUTH_SECRET": SECRET}

    def prepare(self):
        environment = {"BETTER_AUTH_URL": "http://127.0.0.1", **self.environment()}
        subprocess.run([node(), self.home / "migrate.js"], check=True, env=environment)

    def hashing(self):
        return [node(), self.home / "hashes.js"], self.environment()

    def command(self):
        url = f"http://127.0.0.1:{self.port}"
        here = {"BETTER_AUTH_URL": url, "PORT": str(self.port)}
        return [node(), str(self.home / "server.js")], {**self.environment(), **here}

    def register(self, email):
        body = {"name": "Somebody", "email": email, "password": PASSWORD}
        return Request("POST", "/api/auth/sign-up/email", JSON, body=json.dumps(body))

    def sign_in(self, email, password=PASSWORD):
        body = json.dumps({"email": email, "password": password})
        return Request("POST", "/api/auth/sign-in/email", JSON, body=body)

    def token(self, answer):
        return answer.headers["set-auth-token"]

    def email(self, answer):
        # Whoever is not signed in is answered 200 with null.
        return answer.body and answer.body["user"]["email"]

    def hashes(self):
        return stored(self.folder / "db", "select password from account")


def stored(database, query):
    with sqlite3.connect(database) as connection:
        return HASH.findall("\n".join(row[0] for row in connection.execute(query)))


ALL = [Latchkey, LatchkeyOnRedis, FastApiUsers, BetterAuth]
