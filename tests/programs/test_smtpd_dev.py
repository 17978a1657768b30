"""The real server with --dev: what a developer types first, and what their application then does."""

import re
import signal
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from ..kit.support import ROOT, program, read_mailbox, wait_until

SMTPD = [sys.executable, str(ROOT / "bin" / "smtpd")]


@contextmanager
def dev(directory: Path, *flags: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A server in this directory, and its port."""
    command = [*SMTPD, "--dev", "--no-web", "--listen", "127.0.0.1:0", *flags]
    with (directory / "smtpd.log").open("a") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout
    try:
        lines = [process.stdout.readline() for _ in range(3)]
        listening = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", lines[0])
        assert listening and f"port {listening[1]}; any name and any password" in lines[1], lines
        assert lines[2].startswith("mail for ana@example.com is put in mailboxes/ana")
        yield process, int(listening[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def send(port: int, to: str, is_encrypted: bool, is_known: bool) -> None:
    """Sends a message as applications do, with LF line ends."""
    message = EmailMessage()
    message["Subject"], message["To"] = f"For {to}", to
    message.set_content("Hello!\nHow are you?\n")
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
        if is_encrypted:
            assert smtp.starttls(context=careless)[0] == 220
        if is_known:
            assert smtp.login("whoever", "whatever")[0] == 235
        smtp.sendmail("app@example.org", [to], message.as_bytes())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_application_sends_and_a_kill_loses_nothing(tmp_path: Path, workers: str) -> None:
    program("openssl")
    mailboxes = tmp_path / "mailboxes"
    with dev(tmp_path, "--workers", workers) as (process, port):
        for is_encrypted in (False, True):
            for is_known in (False, True):
                send(port, "Ana+tag@example.com", is_encrypted, is_known)
        process.send_signal(signal.SIGHUP)
        send(port, "bob@elsewhere.example", True, True)
        certificate = (mailboxes / ".tls" / "self-signed.pem").read_bytes()
        process.kill()
    with dev(tmp_path, "--workers", workers) as (process, port):
        assert sorted(path.name for path in mailboxes.glob("[!.]*.txt")) == ["ana+tag.txt", "bob.txt"]
        assert [len(read_mailbox(mailboxes / f"{name}.txt")) for name in ("ana+tag", "bob")] == [4, 1]
        assert b"How are you?\n" in read_mailbox(mailboxes / "bob.txt")[0].content
        send(port, "bob@example.com", True, False)
        wait_until(lambda: len(read_mailbox(mailboxes / "bob.txt")) == 2)
        assert (mailboxes / ".tls" / "self-signed.pem").read_bytes() == certificate
        ended = subprocess.run(
            [*SMTPD, "--check", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=20, check=False
        )
        assert ended.returncode == 0 and " ok: 220 " in ended.stdout
        process.terminate()
        assert process.wait(20) == 0
    assert " ERROR " not in (tmp_path / "smtpd.log").read_text()


def test_a_name_too_many_is_sent_again_later(tmp_path: Path) -> None:
    program("openssl")
    with dev(tmp_path, "--create-mailboxes", "2", "--store", "maildir") as (_, port):
        for name in ("ana", "bob", "ana"):
            send(port, f"{name}@example.com", False, False)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            send(port, "cid@example.com", False, False)
        assert caught.value.recipients == {"cid@example.com": (452, b"4.3.1 Too many mailboxes, the limit is 2")}
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            send(port, '"../../etc/x"@example.com', False, False)
        assert [code for code, _ in caught.value.recipients.values()] == [550]
        wait_until(lambda: len(list(tmp_path.glob("mailboxes/ana/new/*"))) == 2)
    assert not (tmp_path / "etc").exists() and (tmp_path / "smtpd.log").read_text().count("no more are made") == 1
