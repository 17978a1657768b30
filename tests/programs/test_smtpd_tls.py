"""The real server and TLS: STARTTLS, TLS from the start, stalls, a new certificate, the end."""

import shutil
import signal
import smtplib
import ssl
import time
from pathlib import Path

import pytest

from ..kit.esmtp_server import FROM, TO, TO_DATA, esmtp, run, secured
from ..kit.server import Telnet
from ..kit.support import wait_until
from ..kit.tls import Pem, make_pem, trusting

LISTEN_TLS = ("--listen-tls", "127.0.0.1:0")
CONTENT = "Subject: x\r\n\r\nhello\r\n"
GOODBYE = b"closing connection, the server is shutting down"


@pytest.fixture
def own_pem(pem: Pem, tmp_path: Path) -> Pem:
    """A certificate that may be replaced."""
    return Pem(*(Path(shutil.copy(path, tmp_path)) for path in pem))


def test_smtplib_begins_tls_with_starttls(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, pem=pem) as server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.ehlo()
            assert client.has_extn("starttls")
            assert client.starttls(context=trusting(pem))[0] == 220
            client.ehlo()
            assert not client.has_extn("starttls") and client.has_extn("pipelining")
            client.sendmail("me@far.example", ["johndoe@here.example"], CONTENT)
        assert [kept.content for kept in server.mailbox("johndoe")] == [b"Subject: x\n\nhello\n"]
        assert "with ESMTPS id" in (server.mail_dir / "johndoe.txt").read_text()


def test_tls_from_the_start_needs_no_starttls_and_is_what_require_tls_asks_for(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, *LISTEN_TLS, "--require-tls", pem=pem) as server:
        with smtplib.SMTP_SSL("127.0.0.1", server.tls_port, timeout=10, context=trusting(pem)) as client:
            client.ehlo()
            assert not client.has_extn("starttls")
            client.sendmail("me@far.example", ["johndoe@here.example"], CONTENT)
        with server.connect() as plain:
            assert plain.say("EHLO me", f"MAIL FROM:{FROM}") == b"530 5.7.0 Send STARTTLS first"
        assert len(server.mailbox("johndoe")) == 1


def test_certificate_and_key_may_be_one_file(tmp_path: Path, pem: Pem) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(pem.cert.read_bytes() + pem.key.read_bytes())
    with esmtp(tmp_path, "--tls-cert", str(both)) as server, secured(server, pem) as client:
        assert client.mail(b"x\r\n", FROM, TO)[:3] == b"250"


def test_commands_in_plain_before_the_handshake_are_never_carried_out(tmp_path: Path, pem: Pem) -> None:
    injected = b"EHLO evil\r\nMAIL FROM:<evil@far.example>\r\nRCPT TO:<johndoe@here.example>\r\nDATA\r\nevil\r\n.\r\n"
    with esmtp(tmp_path, pem=pem) as server:
        with server.connect() as client:  # in one segment with it: thrown away
            client.say("EHLO me")
            client.send(b"STARTTLS\r\n" + injected)
            assert client.hear()[:3] == b"220"
            client.secure(trusting(pem))
            assert client.say("NOOP") == b"250 2.0.0 Ok", "the first reply is not the second one's"
            assert client.say(f"MAIL FROM:{FROM}")[:3] == b"503"
        with server.connect() as client:  # in a later one: no TLS
            assert client.say("EHLO me", "STARTTLS")[:3] == b"220"
            client.send(injected)
            wait_until(lambda: "closed: TLS handshake failed: what came is not TLS" in server.log)
        assert server.mailbox("johndoe") == []


def test_a_client_that_stalls_in_the_handshake_delays_nobody(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, *LISTEN_TLS, pem=pem) as server:
        stalled = [Telnet(server.tls_port) for _ in range(20)]
        for number, client in enumerate(stalled):
            client.send(b"\x16\x03\x01\x02\x00"[: number % 6])
        began = time.monotonic()
        for _ in range(5):
            with secured(server, pem) as client:
                assert client.mail(b"x\r\n", FROM, TO)[:3] == b"250"
        assert time.monotonic() - began < 5
        assert len(server.mailbox("johndoe")) == 5
        for client in stalled:
            client.close()


def test_a_stalled_handshake_has_an_end(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, *LISTEN_TLS, "--idle-timeout", "0.2", pem=pem) as server:
        with server.connect() as client:
            assert client.say("EHLO me", "STARTTLS")[:3] == b"220"
            assert client.hear() == b"", "nothing in plain any more"
        with Telnet(server.tls_port) as client:
            assert client.hear() == b""
        wait_until(lambda: server.log.count("closed: idle for too long") == 2)


def test_one_too_many_is_told_in_plain_only_where_plain_is_spoken(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, *LISTEN_TLS, "--max-connections", "1", pem=pem) as server, server.connect():
        assert Telnet(server.port).hear()[:3] == b"421"
        assert Telnet(server.tls_port).hear() == b""


def test_sighup_reads_the_certificate_again_and_keeps_the_old_one_when_it_is_bad(tmp_path: Path, own_pem: Pem) -> None:
    first = trusting(own_pem)
    second = make_pem(tmp_path, "second")
    with esmtp(tmp_path, pem=own_pem) as server, secured(server, own_pem) as old:
        own_pem.cert.write_bytes(second.cert.read_bytes())
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the key is not that of the certificate" in server.log)
        assert "what was read before stays" in server.log
        client = server.connect()
        client.say("EHLO me", "STARTTLS")
        client.secure(first).close()
        own_pem.key.write_bytes(second.key.read_bytes())
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "certificate read again\n" in server.log)
        secured(server, second).close()
        with server.connect() as client:
            client.say("EHLO me", "STARTTLS")
            with pytest.raises(ssl.SSLCertVerificationError):
                client.secure(first)
        assert old.mail(b"x\r\n", FROM, TO)[:3] == b"250", "whoever is there goes on"


def test_sigterm_lets_encrypted_messages_end_and_says_goodbye_under_tls(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, *LISTEN_TLS, pem=pem) as server:
        idle, busy = secured(server, pem), Telnet(server.tls_port).secure(trusting(pem))
        assert busy.hear()[:3] == b"220" and busy.say(*TO_DATA)[:3] == b"354"
        shaking = Telnet(server.tls_port)
        shaking.send(b"\x16\x03\x01")
        wait_until(lambda: server.log.count(" connected") == 3)
        server.process.send_signal(signal.SIGTERM)
        assert idle.hear().endswith(GOODBYE) and idle.hear() == b""
        assert shaking.hear() == b""
        busy.send(b"text\r\n.\r\n")
        assert busy.hear() == b"250 2.0.0 Message accepted for delivery"
        assert busy.hear().endswith(GOODBYE) and busy.hear() == b""
        for client in (idle, busy, shaking):
            client.close()
        assert server.process.wait(5) == 0
        assert len(server.mailbox("johndoe")) == 1
        assert "Traceback" not in server.log


def test_half_a_message_that_a_cut_connection_leaves_is_nothing(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, pem=pem) as server:
        for is_announced in (False, True):
            client = secured(server, pem)
            client.say(*TO_DATA[1:])
            client.send(b"half")
            if is_announced:
                assert isinstance(client.socket, ssl.SSLSocket)
                client.socket.unwrap()
            client.close()
        wait_until(lambda: server.log.count(" closed: ") == 2)
        assert server.mailbox("johndoe") == []


def test_a_bad_certificate_is_one_line_and_exit_1(tmp_path: Path, pem: Pem) -> None:
    users = tmp_path / "users.txt"
    users.write_text("johndoe\n")
    other = make_pem(tmp_path, "other")
    for cert, key, words in (
        (tmp_path / "none.pem", pem.key, "none.pem: No such file or directory: give a PEM file"),
        (users, pem.key, "users.txt: there is no certificate in it"),
        (pem.cert, users, "users.txt: there is no private key in it"),
        (pem.cert, other.key, "the key is not that of the certificate"),
    ):
        result = run("--listen", "127.0.0.1:0", "--mail-dir", tmp_path / "m", "--tls-cert", cert, "--tls-key", key, users)
        assert result.returncode == 1 and result.stdout == ""
        assert result.stderr.startswith("smtpd: ") and words in result.stderr and result.stderr.count("\n") == 1
