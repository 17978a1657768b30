"""`bin/smtpd --fussy`: what its log and its API say of clients, and that of real programs they say nothing."""

import signal
import smtplib
import urllib.request
from pathlib import Path

import pytest

from protocol.fussy.rules import RULES

from ..kit.esmtp_server import esmtp, line_of
from ..kit.page import dev
from ..kit.postfix import postfix
from ..kit.server import Server, Telnet
from ..kit.support import wait_until
from ..kit.tls import Pem, trusting
from .test_clients import CONTENT
from .test_clients_esmtp import call, curl

SECRET = "s3cret"
CLEAN = "fussy: nothing to remark (commands: "


def said(server: Server, sessions: int = 1) -> list[str]:
    """What the log says of clients, when so many sessions have ended."""
    wait_until(lambda: server.log.count(" closed: ") >= sessions)
    return [line.partition("fussy: ")[2] for line in server.log.splitlines() if " fussy: " in line]


def clean(server: Server, sessions: int = 1) -> None:
    """Each session was examined, and there was nothing to remark."""
    lines = said(server, sessions)
    assert len(lines) == sessions and all(line.startswith("nothing to remark") for line in lines), lines


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_client_that_breaks_rules(tmp_path: Path, workers: str) -> None:
    with esmtp(tmp_path, "--fussy", "--workers", workers) as server:
        with server.connect() as client:
            client.say("EHLO me.example", "MAIL FROM: a@b.example", "RCPT TO:<johndoe@here>", "DATA")
            client.send(b"x\r\n.\r\n")
            assert client.hear()[:3] == b"250"
        lines = said(server)
    assert [line.partition(":")[0] for line in lines] == [
        "5321-3.3-blanks", "5321-4.1.2-brackets", "5321-4.1.1.10-no-quit",
    ]  # fmt: skip
    assert lines[1] == (
        "5321-4.1.2-brackets: it sent an address without angle brackets, as 'MAIL FROM: a@b.example' "
        "(RFC 5321 section 4.1.2, MUST): send <user@host>"
    )


def test_a_client_that_speaks_before_it_is_greeted(tmp_path: Path) -> None:
    """It connects and speaks while the server is busy, or not running: here, stopped."""
    with esmtp(tmp_path, "--fussy") as server:
        server.process.send_signal(signal.SIGSTOP)
        hurries = Telnet(server.port)
        hurries.send(b"EHLO me.example\r\n")
        server.process.send_signal(signal.SIGCONT)
        with hurries:
            hurries.hear()
            while hurries.hear()[3:4] == b"-":
                pass
            hurries.say("QUIT")
        assert said(server) == [
            "5321-4.3.1-before-greeting: it spoke before it was greeted (RFC 5321 section 4.3.1, SHOULD): wait for the 220"
        ]


def test_without_the_flag_nothing_is_said(tmp_path: Path) -> None:
    with esmtp(tmp_path) as server:
        with server.connect() as client:
            client.say("EHLO me.example", "MAIL FROM: a@b.example")
        assert said(server) == []


def test_the_api_tells(tmp_path: Path) -> None:
    pytest.importorskip("h11")
    with dev(tmp_path, "--fussy") as page:
        with smtplib.SMTP("127.0.0.1", page.port) as client:
            client.sendmail("me@far.example", ["johndoe@here.example"], CONTENT)
        page.until(lambda: len(page.get("api/clients")) == 1)
        with Telnet(page.port) as client:
            client.hear()
            client.say("HELO me.example", "RCPT TO:<johndoe@here.example>", "QUIT")
        page.until(lambda: len(page.get("api/clients")) == 2)
        late, early = page.get("api/clients")
        assert (early["Messages"], early["Remarks"]) == (1, [])
        page.see(1)
        with urllib.request.urlopen(page.url + "view/latest?tab=envelope") as answer:
            shown = answer.read().decode()
        assert f"<bdi>{early['Stored'][0]}</bdi>" in shown and "no rule of the RFCs" in shown
        assert (late["Name"], late["Commands"], late["Messages"]) == ("me.example", 3, 0)
        (remark,) = late["Remarks"]
        rule = RULES["5321-3.3-mail-first"]
        assert remark == {
            "Rule": rule.id, "Section": rule.section, "Level": rule.level, "Words": rule.words, "Instead": rule.instead,
            "Times": 1, "Example": "RCPT TO:<johndoe@here.example>",
        }  # fmt: skip
        assert page.get("api/clients?limit=1") == [late]


def test_smtplib(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, "--fussy", pem=pem, auth=line_of("jane", SECRET)) as server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.sendmail("me@far.example", ["johndoe@here.example"], CONTENT)
            client.sendmail("me@far.example", ["johndoe@here.example", "babydoe@here.example"], ".dots\n..more\n" + CONTENT)
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.starttls(context=trusting(pem))
            client.login("jane", SECRET)
            client.verify("johndoe")
            client.sendmail("me@far.example", ["johndoe@here.example"], CONTENT)
        clean(server, 2)


def test_swaks(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, "--fussy", pem=pem, auth=line_of("jane", SECRET)) as server:
        common = ("--server", f"127.0.0.1:{server.port}", "--helo", "me.example")
        paths = ("--from", "me@far.example", "--to", "johndoe@here.example")
        call("swaks", *common, *paths)
        call("swaks", *common, *paths, "--pipeline")
        call("swaks", *common, *paths, "--tls", "--auth", "PLAIN", "--auth-user", "jane", "--auth-password", SECRET)
        clean(server, 3)


def test_curl(tmp_path: Path) -> None:
    with esmtp(tmp_path, "--fussy") as server:
        curl(tmp_path, f"smtp://127.0.0.1:{server.port}")
        clean(server)


def test_msmtp(tmp_path: Path) -> None:
    with esmtp(tmp_path, "--fussy") as server:
        where = ("--host=127.0.0.1", f"--port={server.port}", "--domain=me.example")
        call("msmtp", *where, "--from=me@far.example", "johndoe@here.example", text=CONTENT)
        clean(server)


@pytest.mark.parametrize("level", ["none", "encrypt"])
def test_postfix(tmp_path: Path, pem: Pem, level: str) -> None:
    with esmtp(tmp_path, "--fussy", pem=pem) as server:
        settings = (
            f"smtp_tls_security_level = {level}",
            f"smtp_tls_CAfile = {pem.cert}",
            "smtp_connection_cache_on_demand = no",
        )
        with postfix(server.port, *settings) as (client, log_file):
            for number in range(3):
                client.sendmail("me@far.example", ["johndoe@here.example", "babydoe@here.example"], f"{CONTENT}{number}\n")
            wait_until(lambda: log_file.read_text().count("status=sent (250 ") == 6, 20)
            wait_until(lambda: server.log.count(" closed: quit") == 3)
        clean(server, 3)
