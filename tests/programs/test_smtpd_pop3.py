"""bin/smtpd with --pop3: mail that came by SMTP is fetched by Python's poplib and by curl, from each kind of mailbox."""

import poplib
import re
import shutil
import smtplib
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from ..kit.postgres import Postgres
from ..kit.support import ROOT, wait_until
from .test_clients import mutt_at

KINDS = pytest.mark.parametrize("kind", ["mbox", "maildir"])


class PopServer:
    """A running server, with its addresses."""

    def __init__(self, place: Path, kind: str, *flags: str) -> None:
        self.place = place
        self.log = place / "log"
        command = [sys.executable, str(ROOT / "bin" / "smtpd"), "--dev", "--no-web", "--listen", "127.0.0.1:0"]
        command += ["--mail-dir", str(place / "mail"), "--store", kind, *flags]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout
        self.ports: dict[str, int] = {}
        self.figures = ""
        for line in iter(self.process.stdout.readline, b""):
            if match := re.match(r"(listening|fetching by POP3) on 127\.0\.0\.1:(\d+)( \(TLS\))?", line.decode()):
                self.ports[("smtp" if match[1] == "listening" else "pop3") + (match[3] or "")] = int(match[2])
            if match := re.match(r"telling figures on (\S+)/metrics", line.decode()):
                self.figures = match[1]
            if line.startswith(b"set in your"):
                break

    def deliver(self, *contents: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.ports["smtp"]) as client:
            for content in contents:
                client.sendmail("a@b.example", ["ana@here.example"], content)

    def pop(self, name: str = "ana") -> poplib.POP3:
        client = poplib.POP3("127.0.0.1", self.ports["pop3"], timeout=30)
        client.user(name)
        client.pass_("any")
        return client

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        assert self.process.stdout
        self.process.stdout.close()


@contextmanager
def running(place: Path, kind: str, *flags: str) -> Iterator[PopServer]:
    server = PopServer(place, kind, "--pop3", "127.0.0.1:0", *flags)
    try:
        yield server
    finally:
        server.stop()


def count(server: PopServer) -> int:
    client = server.pop()
    number, _ = client.stat()
    client.quit()
    return number


CONTENTS = (
    b"Subject: one\r\n\r\n.dot\r\nFrom me\r\n>From you\r\n\r\n",
    b"Subject: two\r\n\r\nlast",
    b"Subject: three\r\n\r\n",
)


@KINDS
def test_mail_is_fetched_and_removed(tmp_path: Path, kind: str) -> None:
    with running(tmp_path, kind) as server:
        server.deliver(*CONTENTS)
        wait_until(lambda: count(server) == len(CONTENTS))
        client = server.pop()
        for number, content in enumerate(CONTENTS, 1):
            _, lines, octets = client.retr(number)
            got = b"".join(line + b"\r\n" for line in lines)
            assert got.endswith(content if content.endswith(b"\r\n") else content + b"\r\n")
            assert octets == len(got) == int(cast(bytes, client.list(number)).split()[2])
        ids = [line.split()[1] for line in client.uidl()[1]]
        with pytest.raises(poplib.error_proto, match="IN-USE"):
            server.pop()
        server.deliver(b"Subject: four\r\n\r\n")
        client.dele(2)
        client.quit()
        wait_until(lambda: count(server) == len(CONTENTS))
        client = server.pop("ana@here.example")
        now = [line.split()[1] for line in client.uidl()[1]]
        assert now[:2] == [ids[0], ids[2]]
        client.dele(1)
        client.close()  # without QUIT nothing is removed
        wait_until(lambda: count(server) == len(CONTENTS))
    with running(tmp_path, kind) as server:
        assert [line.split()[1] for line in server.pop().uidl()[1]] == now, "ids stay for ever"
    assert "Traceback" not in server.log.read_text()


def test_mail_in_a_database_is_fetched_on_any_front_end(tmp_path: Path, postgres_node: Postgres) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'", exc_type=ImportError)
    from ..kit.postgres_mail import base

    places = [tmp_path / name for name in ("one", "two")]
    for place in places:
        place.mkdir()
    with base(postgres_node) as mail:
        flags = ("postgres", "--database", mail.where, "--database-single", "--create-mailboxes", "1")
        with running(places[0], *flags) as one, running(places[1], *flags, "--pop3-tls", "127.0.0.1:0") as two:
            one.deliver(*CONTENTS)
            client = two.pop()
            got = [b"\r\n".join([*client.retr(number)[1], b""]) for number in (1, 2, 3)]
            assert [text[text.index(b"Subject") :] for text in got] == [
                text + b"\r\n" * (not text.endswith(b"\n")) for text in CONTENTS
            ]
            ids = [line.split()[1] for line in client.uidl()[1]]
            with pytest.raises(poplib.error_proto, match="IN-USE"):
                one.pop()
            client.dele(2)
            client.quit()
            context = ssl._create_unverified_context()
            secure = poplib.POP3_SSL("127.0.0.1", two.ports["pop3 (TLS)"], context=context)
            secure.user("ana")
            secure.pass_("any")
            assert [line.split()[1] for line in secure.uidl()[1]] == [ids[0], ids[2]]
            secure.quit()
            with smtplib.SMTP("127.0.0.1", two.ports["smtp"]) as sender:
                sender.sendmail("a@b.example", ["bob@here.example"], CONTENTS[0])
                with pytest.raises(smtplib.SMTPRecipientsRefused, match="452"):
                    sender.sendmail("a@b.example", ["eva@here.example"], CONTENTS[0])
            assert count(one) == 2
            mail.cut()
            assert one.pop().stat()[0] == 2, "it finds the database again"
    assert "Traceback" not in "".join((place / "log").read_text() for place in places)


@KINDS
def test_a_large_message_comes_whole(tmp_path: Path, kind: str) -> None:
    with running(tmp_path, kind, "--max-message-size", "40M") as server:
        content = b"Subject: large\r\n\r\n" + b"".join(b"%076d\r\n" % number for number in range(400_000))
        server.deliver(content)
        wait_until(lambda: count(server) == 1)
        client = server.pop()
        _, lines, _ = client.retr(1)
        assert b"\r\n".join([*lines, b""]).endswith(content)
        client.quit()


def test_tls_from_the_first_octet_on_and_in_the_middle(tmp_path: Path) -> None:
    with running(tmp_path, "mbox", "--pop3-tls", "127.0.0.1:0") as server:
        context = ssl._create_unverified_context()
        client: poplib.POP3 = poplib.POP3_SSL("127.0.0.1", server.ports["pop3 (TLS)"], context=context)
        assert "STLS" not in client.capa()
        client.user("ana")
        client.pass_("any")
        client.quit()
        client = poplib.POP3("127.0.0.1", server.ports["pop3"])
        client.stls(context)
        client.user("ana")
        client.pass_("any")
        assert client.stat() == (0, 0)
        client.quit()


def test_mutt_deletes_and_saves(tmp_path: Path) -> None:
    with running(tmp_path, "mbox") as server:
        server.deliver(*CONTENTS)
        wait_until(lambda: count(server) == len(CONTENTS))
        folder = f"pop://ana@127.0.0.1:{server.ports['pop3']}/"
        saved = tmp_path / "home" / "saved"
        keys = f"<first-entry><delete-message><last-entry><copy-message>{saved}<enter><sync-mailbox><quit>"
        mutt_at(folder, tmp_path / "home", keys, "pop_pass=any", "ssl_force_tls=no", "ssl_starttls=no")
        assert "Subject: three" in saved.read_text()
        client = server.pop()
        assert b"Subject: two" in client.top(1, 0)[1] and client.stat()[0] == len(CONTENTS) - 1
        client.quit()
        assert ": quit" in server.log.read_text()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_fetches(tmp_path: Path) -> None:
    with running(tmp_path, "mbox") as server:
        server.deliver(*CONTENTS)
        wait_until(lambda: count(server) == len(CONTENTS))

        def curl(path: str, *flags: str) -> bytes:
            url = f"pop3://127.0.0.1:{server.ports['pop3']}/{path}"
            return subprocess.run(["curl", "-s", "-u", "ana:any", *flags, url], check=True, capture_output=True).stdout

        assert curl("").count(b"\r\n") == len(CONTENTS)
        assert curl("1").endswith(CONTENTS[0])
        assert curl("", "--request", "UIDL").count(b"\r\n") == len(CONTENTS)
        assert b"Subject: two" in curl("", "--request", "TOP 2 0")


def test_its_sessions_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    with running(tmp_path, "mbox", "--metrics", "127.0.0.1:0") as server:
        server.deliver(b"Subject: one\r\n\r\nx\r\n")
        wait_until(lambda: count(server) == 1)
        client = server.pop()

        def told() -> str:
            with urllib.request.urlopen(f"{server.figures}/metrics", timeout=30) as answer:
                return str(answer.read().decode())

        wait_until(lambda: 'carteiro_pop3_sessions{state="TRANSACTION"} 1.0' in told())
        assert re.search(
            r'(?m)^carteiro_pop3_transitions_total\{event="CHECKED",from="CHECKING",to="LOCKING"\} [2-9]', told()
        )
        assert re.search(r"(?m)^carteiro_pop3_connections_accepted_total [2-9]", told()) and 'process="pop3"' in told()
        assert re.search(r"(?m)^carteiro_connections_accepted_total 1\.0$", told()), "those of SMTP are apart"
        client.quit()


def test_the_process_is_started_again(tmp_path: Path) -> None:
    with running(tmp_path, "mbox") as server:
        server.deliver(*CONTENTS)
        wait_until(lambda: count(server) == len(CONTENTS))
        pids = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True).stdout
        subprocess.run(["kill", "-9", *pids.split()], check=True)
        assert count(server) == len(CONTENTS), "a client waits a moment"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--pop3", "127.0.0.1:0", "x"], "only with --dialect esmtp"),
        (["--dialect", "esmtp", "--pop3", "127.0.0.1:0", "x"], "give --auth-file"),
        (["--dev", "--no-web", "--pop3", "0.0.0.0:0"], "--pop3 0.0.0.0: others could fetch all mail"),
        (
            ["--dev", "--no-web", "--store", "discard", "--pop3", "127.0.0.1:0"],
            "nothing can be fetched with --store discard",
        ),
    ],
)
def test_flags_that_cannot_be_combined(flags: list[str], words: str) -> None:
    done = subprocess.run([sys.executable, str(ROOT / "bin" / "smtpd"), *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1
