"""The life of an account, by the client that openapi-python-client makes of the OpenAPI document."""

import sys

from latchkey_client import AuthenticatedClient, Client
from latchkey_client.api.sessions import list_sessions, refresh_session, sign_in, sign_out
from latchkey_client.api.users import delete_me, export_me, get_me, list_events, patch_me, register
from latchkey_client.models import (
    Credentials,
    EventList,
    Export,
    FieldProblemCode,
    Problem,
    ProblemCode,
    RefreshRequest,
    Registration,
    SessionList,
    SignInResult,
    User,
    UserChanges,
)

URL = sys.argv[1]
EMAIL = "ada@example.com"
PASSWORD = "correct horse battery staple"
# What is no status of the document, is an error.
anybody = Client(URL, raise_on_unexpected_status=True)


def must_be(found, expected):
    if found != expected:
        raise AssertionError(f"{found!r} is not {expected!r}")


def good(answer, status, kind):
    """What an answer gives that must have this status."""
    must_be(answer.status_code, status)
    must_be(type(answer.parsed), kind)
    return answer.parsed


def refused(answer, status, code):
    """A problem that must have this status and this code."""
    problem = good(answer, status, Problem)
    must_be((problem.code, problem.status), (code, status))
    return problem


def signed_in():
    credentials = Credentials(login=EMAIL, password=PASSWORD)
    return good(sign_in.sync_detailed(client=anybody, body=credentials), 201, SignInResult)


def bearer(signed_in):
    return AuthenticatedClient(URL, token=signed_in.access_token, raise_on_unexpected_status=True)


registration = Registration(email=EMAIL, password=PASSWORD, name="Ada Lovelace")
registered = good(register.sync_detailed(client=anybody, body=registration), 201, User)
must_be((registered.email, registered.name), (EMAIL, "Ada Lovelace"))
print("registered")

refused(register.sync_detailed(client=anybody, body=registration), 409, ProblemCode.EMAIL_TAKEN)
print("address taken")

invalid = register.sync_detailed(client=anybody, body=Registration(email="nobody", password="short"))
errors = refused(invalid, 422, ProblemCode.VALIDATION_FAILED).errors
expected = [("email", FieldProblemCode.INVALID), ("password", FieldProblemCode.TOO_SHORT)]
must_be([(error.field, error.code) for error in errors], expected)
print("body refused")

wrong = sign_in.sync_detailed(client=anybody, body=Credentials(login=EMAIL, password="wrong"))
refused(wrong, 401, ProblemCode.INVALID_CREDENTIALS)
print("password wrong")

first = signed_in()
must_be(first.user.id, registered.id)
ada = bearer(first)
print("signed in")

read = get_me.sync_detailed(client=ada)
must_be(good(read, 200, User), registered)
version = read.headers["etag"]
print("read")

changes = UserChanges(username="ada", name=None)
changed = good(patch_me.sync_detailed(client=ada, body=changes, if_match=version), 200, User)
must_be((changed.username, changed.name), ("ada", None))
print("changed")

stale = patch_me.sync_detailed(client=ada, body=UserChanges(username="lovelace"), if_match=version)
refused(stale, 412, ProblemCode.VERSION_MISMATCH)
print("version stale")

sessions = good(list_sessions.sync_detailed(client=ada), 200, SessionList).items
must_be([session.id for session in sessions], [first.session.id])
print("sessions listed")

refresh = RefreshRequest(refresh_token=first.refresh_token)
refreshed = good(refresh_session.sync_detailed(client=anybody, body=refresh), 200, SignInResult)
must_be(refreshed.session.id, first.session.id)
must_be(refreshed.access_token == first.access_token, False)
ada = bearer(refreshed)
print("refreshed")

events = good(list_events.sync_detailed(client=ada, limit=10), 200, EventList).items
expected = ["user_updated", "signed_in", "sign_in_failed", "registered"]
must_be([event.kind for event in events], expected)
must_be(events[1].actor.id, registered.id)
print("events listed")

exported = good(export_me.sync_detailed(client=ada), 200, Export)
must_be((exported.user.username, len(exported.events.items)), ("ada", len(events)))
print("exported")

must_be(sign_out.sync_detailed(client=ada).status_code, 204)
print("signed out")

refused(get_me.sync_detailed(client=ada), 401, ProblemCode.TOKEN_INVALID)
print("token refused")

ada = bearer(signed_in())
print("signed in again")

must_be(delete_me.sync_detailed(client=ada).status_code, 204)
gone = sign_in.sync_detailed(client=anybody, body=Credentials(login=EMAIL, password=PASSWORD))
refused(gone, 401, ProblemCode.INVALID_CREDENTIALS)
print("deleted")
