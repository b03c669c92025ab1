"""What Schemathesis cannot read in the OpenAPI document: who is signed in, and what makes a request one that succeeds.

Only requests that are right already are completed here. Those that are wrong go out as they were made.
"""

import atexit
import base64
import collections
import email
import email.policy
import json
import os
import pathlib
import re
import threading
import time
import uuid
import zlib

import requests
import schemathesis
from hypothesis import strategies

URL = os.environ["LATCHKEY_URL"]
API_KEY = os.environ["LATCHKEY_API_KEY"]
# Every instance has a folder, and any of them may send a letter.
LETTERS = [pathlib.Path(folder) for folder in os.environ["LATCHKEY_LETTERS"].split(os.pathsep)]
PASSWORD = "correct horse battery staple"
ACCESS_COOKIE = "__Host-latchkey_access"

# Whose turn it is: one person for each thread.
person = threading.local()
# How often each operation gave each status.
seen = collections.defaultdict(collections.Counter)


# Characters that may stand between the quotes of an entity tag (RFC 9110, 8.8.3).
tag = strategies.text("!#$%&'()*+,-./0123456789:;<=>?@ABC[]^_`abc{|}~", max_size=8).map('"{}"'.format)
tags = strategies.lists(tag | tag.map("W/{}".format), min_size=1, max_size=3).map(", ".join)
schemathesis.openapi.format("entity-tags", strategies.just("*") | strategies.just('"1"') | tags)


@schemathesis.hook
def before_load_schema(context, document):
    """Names the form of headers whose pattern has quotes: without a name, such a pattern is passed over."""
    operations = (operation for item in document["paths"].values() for operation in item.values())
    for parameter in (parameter for operation in operations for parameter in operation.get("parameters", [])):
        if '"' in parameter["schema"].get("pattern", ""):
            parameter["schema"]["format"] = "entity-tags"


def signed_in():
    """The tokens of somebody who is signed in: of the same person, until something has ended their session."""
    tokens = getattr(person, "tokens", None)
    if tokens and person.in_doubt:
        me = requests.get(URL + "/v1/users/me", headers={"Authorization": "Bearer " + tokens["access_token"]})
        tokens = tokens if me.ok else None
    if not tokens:
        tokens = newcomer()
    person.tokens, person.in_doubt = tokens, False
    return tokens


def post(path, body):
    answer = requests.post(URL + path, json=body)
    answer.raise_for_status()
    return answer


def newcomer():
    """The tokens of somebody who was not there before."""
    user = {"email": f"{uuid.uuid4()}@example.com", "password": PASSWORD}
    post("/v1/users", user)
    return post("/v1/sessions", {"login": user["email"], "password": PASSWORD}).json()


def mailed_token(to, about):
    """The token in a letter to an address with this word in its subject. It is on its way."""
    for _ in range(500):
        # The names of letters begin with the time.
        paths = (path for folder in LETTERS for path in folder.glob("*.eml"))
        for path in sorted(paths, key=lambda path: path.name, reverse=True)[:20]:
            letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if letter["To"] == to and about in letter["Subject"]:
                return re.search("lkm_[A-Za-z0-9_-]+", letter.get_body(("plain",)).get_content())[0]
        time.sleep(0.01)
    raise RuntimeError("no letter came to " + to)


def asked_for(path, about):
    """The token in a letter that somebody asked for."""
    to = newcomer()["user"]["email"]
    post(path, {"email": to})
    return mailed_token(to, about)


def changed():
    """The token in the letter to an address that is one no more."""
    tokens = newcomer()
    former, current = tokens["user"]["email"], f"{uuid.uuid4()}@example.com"
    post("/v1/email-verifications", {"email": former})
    post("/v1/email-verifications/confirm", {"token": mailed_token(former, "Confirm")})
    patch = {"email": current, "current_password": PASSWORD}
    headers = {"Authorization": "Bearer " + tokens["access_token"]}
    requests.patch(URL + "/v1/users/me", json=patch, headers=headers).raise_for_status()
    post("/v1/email-verifications/confirm", {"token": mailed_token(current, "Confirm")})
    return mailed_token(former, "changed")


def chosen(case, of):
    """One in `of` cases, and always the same ones: a failure must come again when it is tried again."""
    text = json.dumps([case.method, case.path, case.body], default=str)
    return zlib.crc32(text.encode()) % of == 0


def takes(scheme):
    """Those who run the service come with an API key here, though they could have a token too."""

    def is_taken(context):
        ways = context.operation.definition.raw.get("security", [])
        both = any("access_token" in way for way in ways) and any("api_key" in way for way in ways)
        return any(scheme in way for way in ways) and not (both and scheme == "access_token")

    return is_taken


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.auth(refresh_interval=None).apply_to(takes("access_token"))
class Person:
    def get(self, case, context):
        return signed_in()["access_token"]

    def set(self, case, token, context):
        # Whoever signs out with cookies is rid of them in any case, also of those that stand for nothing.
        leaves = case.operation.definition.raw["operationId"] == "sign_out"
        if chosen(case, 4) and not leaves:
            case.cookies = {**(case.cookies or {}), ACCESS_COOKIE: token}
            case.headers = {**(case.headers or {}), "Origin": URL}
        else:
            case.headers = {**(case.headers or {}), "Authorization": "Bearer " + token}


@schemathesis.auth(refresh_interval=None).apply_to(takes("api_key"))
class Service:
    def get(self, case, context):
        return API_KEY

    def set(self, case, key, context):
        basic = base64.b64encode(b"anybody:" + key.encode()).decode()
        asks = case.operation.definition.raw["operationId"] == "introspect_token"
        way = "Basic " + basic if asks and chosen(case, 4) else "Bearer " + key
        case.headers = {**(case.headers or {}), "Authorization": way}


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation = case.operation.definition.raw["operationId"]
    body = case.body if isinstance(case.body, dict) else {}
    if operation in ("register", "patch_me", "confirm_password_reset") and isinstance(body.get("password"), str):
        # Only the service knows how easy a password is to guess, and how long it is when it is normalised.
        body["password"] = body["password"][:64] + "-kelp-ferry-41-onyx"
    if operation == "patch_me" and ("email" in body or "password" in body):
        # OpenAPI 3.0 has no word for a field that others need.
        body.setdefault("current_password", PASSWORD)
    if operation in ("confirm_email_verification", "confirm_password_reset"):
        # Nor has it one for a token or an address with a code, and not both.
        if "email" in body and "code" in body:
            body.pop("token", None)
        else:
            body.pop("email", None)
            body.pop("code", None)
            body.setdefault("token", "lkm_")
    if operation == "register" and "Idempotency-Key" in (case.headers or {}):
        # The same key with another body is refused, and the document cannot say which keys were sent before.
        case.headers["Idempotency-Key"] = case.headers["Idempotency-Key"][:200] + uuid.uuid4().hex
    if operation == "create_user" and isinstance(body.get("password"), str):
        body["password"] = body["password"][:64] + "-kelp-ferry-41-onyx"
        # A person who is invited chooses their own.
        body.pop("invite", None)
    if operation == "suspend_user" and isinstance(body.get("until"), str):
        body["until"] = "2999" + body["until"][4:]
    if operation in ("create_user", "patch_user_grants"):
        # The built-in role is for those who have it to give.
        body["roles"] = [role for role in body.get("roles") or [] if role != "admin"]
    if not chosen(case, 2):
        return
    if "/admin/users/{id}" in case.operation.path:
        somebody = newcomer()
        case.path_parameters["id"] = somebody["user"]["id"]
        if "session_id" in case.path_parameters:
            case.path_parameters["session_id"] = somebody["session"]["id"]
    if "/admin/roles/{name}" in case.operation.path:
        case.path_parameters["name"] = "role-" + uuid.uuid4().hex
        if operation != "put_role":
            role = URL + "/v1/admin/roles/" + case.path_parameters["name"]
            key = {"Authorization": "Bearer " + API_KEY}
            requests.put(role, json={"permissions": []}, headers=key).raise_for_status()
    if operation in ("create_user", "patch_user"):
        if isinstance(body.get("email"), str):
            body["email"] = uuid.uuid4().hex + "@" + body["email"].rpartition("@")[2]
        if isinstance(body.get("username"), str):
            body["username"] = body["username"][:3] + uuid.uuid4().hex[:29]
    if operation in ("register", "patch_me"):
        # Most of what is made up was made up before, and is taken.
        if isinstance(body.get("email"), str):
            body["email"] = uuid.uuid4().hex + "@" + body["email"].rpartition("@")[2]
        if isinstance(body.get("username"), str):
            body["username"] = body["username"][:3] + uuid.uuid4().hex[:29]
    if operation == "sign_in":
        body["login"], body["password"] = signed_in()["user"]["id"], PASSWORD
        case.headers = {**(case.headers or {}), "Origin": URL}
    elif operation in ("reauthenticate", "patch_me") and "current_password" in body:
        body["current_password"] = PASSWORD
    elif operation == "refresh_session" and "refresh_token" in body:
        body["refresh_token"] = signed_in()["refresh_token"]
    elif operation == "confirm_email_verification" and "token" in body:
        body["token"] = asked_for("/v1/email-verifications", "Confirm")
    elif operation == "confirm_password_reset" and "token" in body:
        body["token"] = asked_for("/v1/password-resets", "new password")
    elif operation == "undo_email_change":
        body["token"] = changed()
    elif operation in ("introspect_token", "revoke_token") and "token" in body:
        body["token"] = signed_in()["access_token"]


@schemathesis.hook
def after_call(context, case, response):
    operation = case.operation.definition.raw["operationId"]
    seen[operation][response.status_code] += 1
    if operation == "patch_me" and response.status_code == 200 and "password" in case.body:
        person.tokens = None
    elif case.method.upper() == "DELETE" or operation in ("refresh_session", "revoke_token"):
        person.in_doubt = True
    if operation == "refresh_session" and response.status_code == 200:
        person.tokens = {**signed_in(), **response.json()}


@atexit.register
def tell():
    with open(os.environ["LATCHKEY_SEEN"], "w") as file:
        json.dump(seen, file)
