"""The real server and authentication: who is believed, what the log never shows, and what it costs others."""

import select
import signal
import smtplib
import time
from base64 import b64encode
from pathlib import Path

import argon2
import pytest

from ..kit.esmtp_server import FROM, TO, esmtp, line_of, run, secured
from ..kit.server import Telnet
from ..kit.support import wait_until
from ..kit.tls import Pem, trusting

SECRET = "s3cret word"


def plain(name: str, secret: str) -> str:
    return b64encode(f"\0{name}\0{secret}".encode()).decode()


@pytest.mark.parametrize("kind", ["bcrypt", "argon2"])
@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_smtplib_authenticates(tmp_path: Path, pem: Pem, kind: str, mechanism: str) -> None:
    with esmtp(tmp_path, "--require-auth", pem=pem, auth=line_of("Jane", SECRET, kind)) as server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.ehlo()
            assert not client.has_extn("auth"), "not before TLS"
            client.starttls(context=trusting(pem))
            client.ehlo()
            assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]
            with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
                client.sendmail("jane@far.example", ["johndoe@here.example"], "x\r\n")
            for name, secret, code in (("jane", "wrong", 535), ("joe", SECRET, 535), ("jane", SECRET, 235)):
                assert login(client, mechanism, name, secret) == code
            client.sendmail("jane@far.example", ["johndoe@here.example"], "x\r\n")
        server.rest()
        assert "with ESMTPSA id" in (server.mail_dir / "johndoe.txt").read_text()


def login(client: smtplib.SMTP, mechanism: str, name: str, secret: str) -> int:
    client.user, client.password = name, secret
    try:
        return client.auth(mechanism, getattr(client, f"auth_{mechanism}"))[0]
    except smtplib.SMTPAuthenticationError as error:
        return error.smtp_code


def test_anybody_is_believed_where_the_operator_says_so(tmp_path: Path) -> None:
    with esmtp(tmp_path, "--auth-accept-any", "--auth-allow-insecure", "--require-auth") as server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.login("anybody", "whatever")
            client.sendmail("jane@far.example", ["johndoe@here.example"], "x\r\n")
        server.rest()
        assert "with ESMTPA id" in (server.mail_dir / "johndoe.txt").read_text()


@pytest.fixture(scope="module")
def costly() -> str:
    """A line of an auth file whose check takes half a second at least."""
    for passes in (8, 16, 32, 64, 128):
        hasher = argon2.PasswordHasher(time_cost=passes, memory_cost=65_536, parallelism=1)
        began = time.monotonic()
        line = f"jane:{hasher.hash(SECRET)}\n"
        if time.monotonic() - began > 0.5:
            break
    return line


def test_a_costly_check_stalls_nobody(tmp_path: Path, costly: str) -> None:
    with (
        esmtp(tmp_path, "--auth-allow-insecure", auth=costly) as server,
        server.connect() as asking,
        server.connect() as other,
    ):
        asking.say("EHLO me")
        asking.send(f"AUTH PLAIN {plain('jane', SECRET)}\r\nNOOP\r\n".encode())
        other.say("EHLO me")
        assert other.mail(b"x\r\n", FROM, TO)[:3] == b"250"
        assert not select.select([asking.socket], [], [], 0)[0], "the check is still being made"
        assert asking.hear() == b"235 2.7.0 Authentication succeeded"
        assert asking.hear() == b"250 2.0.0 Ok"


def test_whoever_leaves_during_a_check_harms_nobody(tmp_path: Path, costly: str) -> None:
    with esmtp(tmp_path, "--auth-allow-insecure", auth=costly) as server:
        for _ in range(3):
            with server.connect() as asking:
                asking.say("EHLO me")
                asking.send(f"AUTH PLAIN {plain('jane', SECRET)}\r\n".encode())
        with server.connect() as other:
            other.say("EHLO me")
            assert other.mail(b"x\r\n", FROM, TO)[:3] == b"250"
        assert server.stop(patience=5) == 0
        assert "Traceback" not in server.log


@pytest.mark.parametrize("flags", [(), ("--verbose",)], ids=["as usual", "verbose"])
def test_no_log_shows_a_secret(tmp_path: Path, pem: Pem, flags: tuple[str, ...]) -> None:
    encoded = b64encode(SECRET.encode()).decode()
    with esmtp(tmp_path, *flags, "--auth-allow-insecure", pem=pem, auth=line_of("jane", SECRET)) as server:
        for client in (server.connect(), secured(server, pem)):
            client.say("EHLO me", f"AUTH PLAIN {plain('joe', SECRET)}", f"auth\tplain {encoded}", f"AUTH {encoded}")
            client.say(encoded, f"AUTH LOGIN {encoded}", encoded, f"AUTH PLAIN {encoded} {encoded}", f"NOOP {encoded}")
            client.say("AUTH LOGIN", b64encode(b"jane").decode(), encoded, f"AUTH PLAIN {plain('jane', SECRET)}")
            client.send(f"{encoded[:-4]}".encode())
            client.close()
        wait_until(lambda: server.log.count(" closed: ") == 2)
        log = server.log
        assert "refused with 535" in log and (" DEBUG " in log) == bool(flags)
        for shown in (SECRET, encoded[:-4], plain("jane", SECRET)[:-4], plain("joe", SECRET)[:-4], "$2b$"):
            assert shown not in log


def test_sighup_reads_the_auth_file_again_and_keeps_the_old_one_when_it_is_bad(tmp_path: Path) -> None:
    with esmtp(tmp_path, "--auth-allow-insecure", auth=line_of("jane", SECRET)) as server:
        (tmp_path / "auth.txt").write_text(line_of("joe", "new") + "jane:secret\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "auth.txt:2: a hash of an unknown kind" in server.log)
        assert "what was read before stays" in server.log and "users file read again: 3 names" in server.log
        assert answer(server.connect(), plain("jane", SECRET)) == b"235"
        assert answer(server.connect(), plain("joe", "new")) == b"535"
        (tmp_path / "auth.txt").write_text(line_of("joe", "new"))
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "auth file read again: 1 name" in server.log)
        assert answer(server.connect(), plain("jane", SECRET)) == b"535"
        assert answer(server.connect(), plain("joe", "new")) == b"235"


def answer(client: Telnet, response: str) -> bytes:
    with client:
        return client.say("EHLO me", f"AUTH PLAIN {response}")[:3]


def test_sigterm_during_a_check_ends_it_in_order(tmp_path: Path, costly: str) -> None:
    with esmtp(tmp_path, "--auth-allow-insecure", auth=costly) as server, server.connect() as client:
        client.say("EHLO me")
        client.send(f"AUTH PLAIN {plain('jane', SECRET)}\r\n".encode())
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        assert client.hear()[:3] in (b"235", b"421")
        assert server.process.wait(8) == 0
        assert "Traceback" not in server.log


def test_a_bad_auth_file_is_one_line_and_exit_1_and_shows_nothing_of_it(tmp_path: Path) -> None:
    users, auth = tmp_path / "users.txt", tmp_path / "auth.txt"
    users.write_text("johndoe\n")
    for text, words in (
        (None, "auth.txt: No such file"),
        ("", "auth.txt: no names in it"),
        (f"jane:{SECRET}\n", "auth.txt:1: a hash of an unknown kind"),
        ("# nobody\njane\n", "auth.txt:2: no colon in it"),
    ):
        if text is not None:
            auth.write_text(text)
        flags = ("--listen", "127.0.0.1:0", "--mail-dir", tmp_path / "m", "--auth-allow-insecure")
        result = run(*flags, "--auth-file", auth, users)
        assert result.returncode == 1 and result.stdout == ""
        assert result.stderr.startswith("smtpd: ") and words in result.stderr and result.stderr.count("\n") == 1
        assert SECRET not in result.stderr
