"""A mail server for tests: aiosmtpd, which gets into trouble when it is told to.

Arguments, as a JSON object: security ("plain", "starttls" or "tls"), certificate and key (files), user and password (or
null), smtputf8, mode. Lines on standard input change the mode, or end all connections. Lines on standard output say what
happens, and that what a line asked for is done: then everything before it was said too.
"""

import asyncio
import email
import email.policy
import itertools
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

settings = json.loads(sys.argv[1])
mode = settings["mode"]
connections = set()


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def refuse(answer):
    say("refused", answer=answer)
    return answer


def part(message, form):
    body = message.get_body((form,))
    return body.get_content() if body else ""


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if mode["name"] == "refuse_sender":
            return refuse("530 5.7.0 Authentication required")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode["name"] == "greylist" and mode["times"] > 0:
            mode["times"] -= 1
            return refuse(f"451 4.7.1 <{address}>: Greylisted")
        if mode["name"] == "reject":
            return refuse(f"550 5.1.1 <{address}>: Nobody has this address")
        if mode["name"] == "no_relay":
            return refuse("530 5.7.1 Authentication required")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if mode["name"] == "reject_letter":
            return refuse(f"554 5.7.1 Blocked: {envelope.content.decode(errors='replace')[-300:]!r}"[:400])
        if mode["name"] == "hang" or (mode["name"] == "hang_over" and envelope.rcpt_tos[0].startswith(mode["whom"])):
            say("busy")
            await asyncio.Event().wait()
        if mode["name"] == "slow":
            say("busy")
            await asyncio.sleep(mode["seconds"])  # the fault
        raw = envelope.content
        message = email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
        defects = [str(defect) for part in message.walk() for defect in part.defects]
        say(
            "letter",
            mail_from=envelope.mail_from,
            to=envelope.rcpt_tos,
            headers=[[name, str(value)] for name, value in message.items()],
            text=part(message, "plain"),
            html=part(message, "html"),
            defects=defects,
            raw=raw.decode(errors="replace"),
            secure=session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            user=session.auth_data.login.decode() if session.authenticated else None,
        )
        if mode["name"] == "lose_answer":
            server.transport.abort()
            await asyncio.Event().wait()
        return "250 OK"


class Server(SMTP):
    def connection_made(self, transport):
        connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error):
        connections.discard(self.transport)
        super().connection_lost(error)

    async def push(self, status):
        if mode["name"] == "inject" and status.startswith("220 Ready to start TLS"):
            status += "\r\n250-injected\r\n250 HELP"
        await super().push(status)

    async def smtp_DATA(self, arg):
        if mode["name"] != "die":
            return await super().smtp_DATA(arg)
        await self.push("354 Go on")
        await self._reader.read(100)
        say("refused", answer="the connection")
        self.transport.abort()


class Trouble(asyncio.Protocol):
    """A server that does not get as far as SMTP."""

    def connection_made(self, transport):
        connections.add(transport)
        self.task = asyncio.ensure_future(self.serve(transport))

    def connection_lost(self, error):
        self.task.cancel()

    async def serve(self, transport):
        if mode["name"] == "busy":
            transport.write((refuse("421 4.3.2 Come back later") + "\r\n").encode())
            transport.close()
        if mode["name"] == "drip":
            for byte in itertools.cycle(b"220-Slowly\r\n"):
                transport.write(bytes([byte]))
                await asyncio.sleep(0.1)  # the fault


def authenticate(server, session, envelope, mechanism, data):
    given = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode())
    if given == (settings["user"], settings["password"]):
        return AuthResult(success=True, auth_data=data)
    return AuthResult(success=False, handled=False, message=refuse("535 5.7.8 Authentication failed"))


def protocol(context):
    say("connection")
    if mode["name"] in ("hang_on_connect", "drip", "busy"):
        return Trouble()
    starttls = settings["security"] == "starttls"
    return Server(
        Handler(),
        hostname="mail.test",
        enable_SMTPUTF8=settings["smtputf8"],
        tls_context=context if starttls else None,
        require_starttls=starttls,
        auth_required=settings["user"] is not None,
        auth_require_tls=starttls,
        authenticator=authenticate,
    )


async def main():
    global mode
    loop = asyncio.get_running_loop()
    context = None
    if settings["security"] != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings["certificate"], settings["key"])
    implicit = context if settings["security"] == "tls" else None
    server = await loop.create_server(lambda: protocol(context), "127.0.0.1", 0, ssl=implicit)
    say("listening", port=server.sockets[0].getsockname()[1])
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        order = json.loads(line)
        if "mode" in order:
            mode = order["mode"]
        if "hang_up" in order:
            for transport in list(connections):
                transport.abort()
            connections.clear()
        say("done")


asyncio.run(main())
