"""Programs of others deliver in both dialects, and in that of RFC 5321 also with TLS and a password."""

import json
import os
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..kit.esmtp_server import esmtp, line_of
from ..kit.server import Server
from ..kit.support import program, wait_until
from ..kit.tls import Pem, trusting
from .test_clients import CONTENT

SECRET = "s3cret"
BODY = CONTENT.split("\n\n", 1)[1].encode()
DIALECTS = pytest.mark.parametrize("dialect", ["classic", "esmtp"])


@pytest.fixture
def locked(tmp_path: Path, pem: Pem) -> Iterator[Server]:
    """A server that takes mail with TLS and a password only."""
    flags = ("--listen-tls", "127.0.0.1:0", "--require-tls", "--require-auth")
    with esmtp(tmp_path, *flags, pem=pem, auth=line_of("jane", SECRET)) as server:
        yield server


def call(name: str, *arguments: object, text: str = "", **environment: str) -> str:
    """Runs a program to its end, which has to be good, and returns what it printed."""
    command = [program(name), *map(str, arguments)]
    result = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=30, env={**os.environ, **environment}, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def check(server: Server, *names: str, body: bytes = BODY, protocol: str = "SMTP") -> None:
    """The message is in these mailboxes, once in each, and came in this way."""
    for name in names or ("johndoe",):
        (kept,) = server.mailbox(name)
        assert kept.content.split(b"\n\n", 1)[1] == body
        assert f" with {protocol} id " in (server.mail_dir / f"{name}.txt").read_text()


@DIALECTS
def test_smtplib(tmp_path: Path, dialect: str) -> None:
    with Server(tmp_path, "--dialect", dialect) as server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.sendmail("me@far.example", ["johndoe@here.example"], CONTENT)
        check(server, protocol="ESMTP" if dialect == "esmtp" else "SMTP")


def test_smtplib_with_tls_and_a_password_to_several(locked: Server, pem: Pem) -> None:
    to = ["johndoe@here.example", "babydoe@here.example"]
    with smtplib.SMTP("127.0.0.1", locked.port, timeout=10) as client:
        client.starttls(context=trusting(pem))
        client.login("jane", SECRET)
        text = CONTENT.replace("you?", "yöu?").replace("\n", "\r\n")  # octets are sent as they are
        client.sendmail("me@far.example", to, text.encode(), ["BODY=8BITMIME", "SMTPUTF8"])
    check(locked, "johndoe", "babydoe", body=BODY.replace(b"you?", "yöu?".encode()), protocol="UTF8SMTPSA")


def curl(tmp_path: Path, url: str, *arguments: object) -> None:
    mail = tmp_path / "mail.txt"
    mail.write_bytes(CONTENT.replace("\n", "\r\n").encode())
    sender = ("--mail-from", "me@far.example", "--mail-rcpt", "johndoe@here.example")
    call("curl", "-sS", f"{url}/me.example", *sender, "-T", mail, *arguments)


@DIALECTS
def test_curl(tmp_path: Path, dialect: str) -> None:
    with Server(tmp_path, "--dialect", dialect) as server:
        curl(tmp_path, f"smtp://127.0.0.1:{server.port}")
        check(server, protocol="ESMTP" if dialect == "esmtp" else "SMTP")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_curl_with_tls_and_a_password_to_several(
    locked: Server, tmp_path: Path, pem: Pem, scheme: str, mechanism: str
) -> None:
    port = locked.port if scheme == "smtp" else locked.tls_port
    more = ("--mail-rcpt", "babydoe@here.example", "--ssl-reqd", "--cacert", pem.cert, "--user", f"jane:{SECRET}")
    curl(tmp_path, f"{scheme}://127.0.0.1:{port}", *more, "--login-options", f"AUTH={mechanism}")
    check(locked, "johndoe", "babydoe", protocol="ESMTPSA")


def swaks(port: int, *arguments: object) -> str:
    data = "Subject: x\n\n" + BODY.decode().rstrip("\n")  # it adds a line end
    sender = ("--from", "me@far.example", "--to", "johndoe@here.example")
    return call("swaks", "--server", f"127.0.0.1:{port}", *sender, *arguments, "--data", "-", text=data)


@DIALECTS
def test_swaks(tmp_path: Path, dialect: str) -> None:
    with Server(tmp_path, "--dialect", dialect) as server:
        swaks(server.port)
        check(server, protocol="ESMTP" if dialect == "esmtp" else "SMTP")


def test_swaks_sends_commands_without_waiting(tmp_path: Path) -> None:
    with esmtp(tmp_path) as server:
        seen = swaks(server.port, "--pipeline", "--to", "johndoe@here.example,babydoe@here.example")
        assert " -> MAIL FROM:<me@far.example>\n -> RCPT TO:<johndoe@here.example>\n -> RCPT TO:<babydoe" in seen
        check(server, "johndoe", "babydoe", protocol="ESMTP")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("tls", ["--tls", "--tls-on-connect"])
def test_swaks_with_tls_and_a_password(locked: Server, pem: Pem, tls: str, mechanism: str) -> None:
    port = locked.port if tls == "--tls" else locked.tls_port
    verify = ("--tls-verify", "--tls-ca-path", pem.cert)
    seen = swaks(port, tls, *verify, "--auth", mechanism, "--auth-user", "jane", "--auth-password", SECRET)
    assert "<~  235 2.7.0 " in seen
    check(locked, protocol="ESMTPSA")


def msmtp(port: int, *arguments: object) -> None:
    there = ("--host=127.0.0.1", f"--port={port}", "--from=me@far.example", "--domain=me.example")
    call("msmtp", "--file=/dev/null", *there, *arguments, "johndoe@here.example", text=CONTENT)


@DIALECTS
def test_msmtp(tmp_path: Path, dialect: str) -> None:
    with Server(tmp_path, "--dialect", dialect) as server:
        msmtp(server.port, "--auth=off", "--tls=off")
        check(server, protocol="ESMTP" if dialect == "esmtp" else "SMTP")


@pytest.mark.parametrize("mechanism", ["plain", "login"])
@pytest.mark.parametrize("starttls", ["on", "off"])
def test_msmtp_with_tls_and_a_password(locked: Server, pem: Pem, starttls: str, mechanism: str) -> None:
    port = locked.port if starttls == "on" else locked.tls_port
    tls = ("--tls=on", f"--tls-starttls={starttls}", f"--tls-trust-file={pem.cert}")
    msmtp(port, *tls, f"--auth={mechanism}", "--user=jane", f"--passwordeval=echo {SECRET}", "babydoe@here.example")
    check(locked, "johndoe", "babydoe", protocol="ESMTPSA")


NODEMAILER = """
const {port, secure, ca, pass, to, text} = JSON.parse(require("fs").readFileSync(0))
const tls = ca ? {ca: require("fs").readFileSync(ca), servername: "localhost"} : {}
const auth = pass ? {user: "jane", pass} : undefined
const mailer = require("nodemailer").createTransport({host: "127.0.0.1", port, secure, tls, auth, name: "me.example"})
mailer.sendMail({envelope: {from: "me@far.example", to}, raw: text}).then(
    (sent) => console.log(sent.response), (error) => {console.error(error); process.exit(1)})
"""
NODE_PATH = os.pathsep.join(filter(None, (os.environ.get("NODE_PATH"), "/usr/share/nodejs")))


def nodemailer(**values: object) -> str:
    finds = [program("node"), "-e", 'require.resolve("nodemailer")']
    if subprocess.run(finds, capture_output=True, env={**os.environ, "NODE_PATH": NODE_PATH}, check=False).returncode:
        program("nodemailer")  # skips, but not in CI
    return call("node", "-e", NODEMAILER, text=json.dumps({"text": CONTENT, **values}), NODE_PATH=NODE_PATH)


@DIALECTS
def test_nodemailer(tmp_path: Path, dialect: str) -> None:
    with Server(tmp_path, "--dialect", dialect) as server:
        assert "Message accepted" in nodemailer(port=server.port, to=["johndoe@here.example"])
        check(server, protocol="ESMTP" if dialect == "esmtp" else "SMTP")


@pytest.mark.parametrize("secure", [False, True])
def test_nodemailer_with_tls_and_a_password_to_several(locked: Server, pem: Pem, secure: bool) -> None:
    port = locked.tls_port if secure else locked.port
    to = ["johndoe@here.example", "babydoe@here.example"]
    assert "Message accepted" in nodemailer(port=port, secure=secure, ca=str(pem.cert), **{"pass": SECRET}, to=to)
    check(locked, "johndoe", "babydoe", protocol="ESMTPSA")


@DIALECTS
def test_smtp_source_in_200_sessions_at_once(tmp_path: Path, dialect: str) -> None:
    with Server(tmp_path, "--dialect", dialect, "--quiet") as server:
        sessions = ("-s", "200", "-m", "400", "-l", "2000", "-d")
        call("smtp-source", *sessions, "-f", "me@far.example", "-t", "johndoe@here.example", f"127.0.0.1:{server.port}")
        wait_until(lambda: len(server.mailbox("johndoe")) == 400)
        assert server.log == ""


DIALOGUE = ("EHLO me", "MAIL FROM:<a@b.example>", "RCPT TO:<johndoe@here.example>", "DATA", "Subject: x", "", "hello", ".")


def test_nc_writes_proper_line_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with esmtp(tmp_path) as server:
        text = "".join(f"{line}\n" for line in (*DIALOGUE, "QUIT"))
        assert call("nc", "-C", "-N", "127.0.0.1", server.port, text=text).endswith(" closing connection\n")
        check(server, body=b"hello\n", protocol="ESMTP")


def test_telnet_writes_proper_line_ends(tmp_path: Path) -> None:
    with esmtp(tmp_path) as server:
        command = [program("telnet"), "127.0.0.1", str(server.port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as telnet:
            assert telnet.stdin and telnet.stdout
            telnet.stdin.write("".join(f"{line}\n" for line in (*DIALOGUE, "QUIT")).encode())
            telnet.stdin.flush()
            assert b"closed by foreign host" in telnet.stdout.read()
        check(server, body=b"hello\n", protocol="ESMTP")


def test_openssl_begins_tls_and_leaves_the_rest_to_whoever_types(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, pem=pem) as server:
        there = ("-connect", f"127.0.0.1:{server.port}", "-starttls", "smtp", "-CAfile", pem.cert, "-verify_return_error")
        text = "".join(f"{line}\n" for line in (*DIALOGUE, "QUIT"))
        assert "221 2.0.0 " in call("openssl", "s_client", *there, "-quiet", "-crlf", text=text)
        check(server, body=b"hello\n", protocol="ESMTPS")
