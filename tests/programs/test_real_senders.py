"""What appliances, cron, frameworks, containers and browsers send, to `bin/smtpd` over a socket."""

from pathlib import Path

import pytest

from ..kit.esmtp_server import esmtp
from ..kit.server import Server, Telnet
from ..kit.support import wait_until

SENT = [
    ("MAIL FROM:   <a@b.example>", "RCPT TO:<johndoe@b.example>"),
    ("MAIL FROM:a@b.example", "RCPT TO:johndoe@b.example"),
    ("MAIL FROM:<root>", "RCPT TO:<johndoe>"),
    ("MAIL FROM:<root@web_1.backend>", "RCPT TO:<johndoe@my_host>"),
    ("MAIL FROM:<a..b@docomo.test>", "RCPT TO:<johndoe@b.example.>"),
    ("MAIL FROM:<foo.@x.y>", "RCPT TO:   johndoe"),
]
FLAGS = ("--domain", "b.example", "--domain", "my_host")


def test_it_is_taken_and_said_once(tmp_path: Path) -> None:
    with esmtp(tmp_path, *FLAGS) as server:
        with server.connect() as client:
            for sender, recipient in SENT:
                assert client.say("EHLO me", sender)[:3] == b"250", sender
                assert client.say(recipient)[:3] == b"250", recipient
                assert client.say("DATA")[:3] == b"354"
                client.send(b"x\r\n.\r\n")
                assert client.hear()[:3] == b"250"
        assert len(server.mailbox("johndoe")) == len(SENT)
        told = [line.partition("let pass: ")[2] for line in server.log.splitlines() if "let pass" in line]
        assert len(told) == len(set(told)) == 6 and all("(RFC 5321 section " in line for line in told)


@pytest.mark.parametrize("pair", SENT)
def test_strictly_it_is_refused_and_said_what_is_missing(tmp_path: Path, pair: tuple[str, str]) -> None:
    with esmtp(tmp_path, *FLAGS, "--strict-syntax") as server, server.connect() as client:
        client.say("EHLO me")
        assert client.say(pair[0])[:9] == b"501 5.1.7"
        assert client.say("MAIL FROM:<ok@b.example>")[:3] == b"250"
        is_right = pair[1] == "RCPT TO:<johndoe@b.example>"
        assert client.say(pair[1])[:9] == (b"250 2.1.5" if is_right else b"501 5.1.3")
    assert "let pass" not in server.log


@pytest.mark.parametrize("dialect", ["classic", "esmtp"])
@pytest.mark.parametrize(
    "first", [b"POST / HTTP/1.1", b"GET /" + b"x" * 3000 + b" HTTP/1.1", b"PROXY TCP4 1.2.3.4 1.2.3.4 5 6"]
)
def test_a_browser_delivers_nothing(tmp_path: Path, dialect: str, first: bytes) -> None:
    body = b"helo x\r\nmail from:<a@b>\r\nrcpt to:<johndoe@b>\r\ndata\r\nevil\r\n.\r\nquit\r\n"
    with Server(tmp_path, "--dialect", dialect) as server, Telnet(server.port) as client:
        assert client.hear()[:3] == b"220"
        client.send(first + b"\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert client.hear()[:3] == (b"500" if dialect == "classic" else b"421")
        assert client.hear() == b"", "the connection is closed"
        assert server.mailbox("johndoe") == []
        client.close()
        wait_until(lambda: "closed: another protocol" in server.log)


def test_a_message_to_more_than_a_message_may_have_goes_to_those_that_it_may(tmp_path: Path) -> None:
    users = [f"user{number}" for number in range(230)]
    with (
        Server(tmp_path, "--dialect", "esmtp", "--max-recipients", "100", users=users) as server,
        server.connect() as client,
    ):
        client.say("EHLO me", "MAIL FROM:<a@b>")
        codes = [client.say(f"RCPT TO:<{user}@b>")[:3] for user in users]
        assert codes == [b"250"] * 100 + [b"452"] * 130
        assert client.say("DATA")[:3] == b"354"
        client.send(b"x\r\n.\r\n")
        assert client.hear()[:3] == b"250"
        server.rest()
        assert len(list(server.mail_dir.glob("*.txt"))) == 100


def test_by_default_it_goes_to_all_of_them(tmp_path: Path) -> None:
    users = [f"user{number}" for number in range(230)]
    with Server(tmp_path, "--dialect", "esmtp", users=users) as server, server.connect() as client:
        client.say("EHLO me", "MAIL FROM:<a@b>")
        assert {client.say(f"RCPT TO:<{user}@b>")[:3] for user in users} == {b"250"}
        client.say("DATA")
        client.send(b"x\r\n.\r\n")
        assert client.hear()[:3] == b"250"
        wait_until(lambda: len(list(server.mail_dir.glob("*.txt"))) == 230)


def test_who_ends_lines_with_lf_alone_waits_and_the_log_says_why(tmp_path: Path) -> None:
    with esmtp(tmp_path) as server, server.connect() as client:
        client.send(b"EHLO me\n")
        client.send(b"EHLO me\n")
        wait_until(lambda: "ends its lines with LF alone" in server.log)
        client.send(b"\r\nNOOP\r\n")
        assert [client.hear()[:3] for _ in range(2)] == [b"501", b"250"]
        assert server.log.count("LF alone") == 1


def test_bare_newlines_are_mended_as_they_were_meant(tmp_path: Path) -> None:
    with esmtp(tmp_path, "--bare-newline", "normalize") as server, server.connect() as client:
        client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<johndoe@b>", "DATA")
        client.send(b"Subject: x\n\n..two\nthree\r\r\nfour\r\n.\r\n")
        assert client.hear()[:3] == b"250"
        assert [kept.content for kept in server.mailbox("johndoe")] == [b"Subject: x\n\n.two\nthree\nfour\n"]
