"""STARTTLS and TLS from the first octet with a certificate that the server has made for itself."""

import os
import shutil
import signal
import smtplib
import ssl
from pathlib import Path

import pytest

from reactor.stream.self_signed import SelfSigned
from service.options import arguments
from service.sources import read

from ..kit.support import program, read_mailbox
from ..kit.threads import meanwhile
from .world import options_of, port_of, service_of

FLAGS = ("--dialect", "esmtp", "--tls-auto", "--hostname", "mx.example.org")


def test_both_ways_of_tls_are_encrypted_with_it(tmp_path: Path) -> None:
    program("openssl")
    options = options_of(tmp_path, *FLAGS, "--listen-tls", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--require-tls")
    service, (plain, encrypted) = service_of(options)
    trusting = ssl.create_default_context(cafile=str(options.mail_dir / ".tls" / "self-signed.pem"))

    def client() -> None:
        try:
            with smtplib.SMTP("127.0.0.1", port_of(plain), timeout=10) as smtp:
                smtp.starttls(context=trusting)
                smtp.sendmail("a@b", "johndoe@example.org", "x")
            with smtplib.SMTP_SSL("127.0.0.1", port_of(encrypted), timeout=10, context=trusting) as smtp:
                smtp.sendmail("a@b", "johndoe@example.org", "x")
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(client):
        service.run()
    assert len(read_mailbox(options.mail_dir / "johndoe.txt")) == 2


def test_it_is_used_again_and_made_anew_at_a_reread_when_it_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program("openssl")
    options = options_of(tmp_path, *FLAGS)
    path = options.mail_dir / ".tls" / "self-signed.pem"
    sources = read(options)
    before = path.read_bytes()
    read(options).reread()
    assert path.read_bytes() == before
    shutil.rmtree(options.mail_dir)
    sources.reread()
    assert path.read_bytes() != before and isinstance(sources.certificate, SelfSigned)
    assert "ERROR" not in caplog.text


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--dialect esmtp --tls-auto --tls-cert x.pem", "--tls-auto and --tls-cert: give one of them"),
        ("--dialect esmtp --tls-auto --tls-key x.pem", "--tls-key: give the certificate, too, with --tls-cert"),
        ("--tls-auto", "--tls-auto: only with --dialect esmtp"),
    ],
)
def test_flags_that_do_not_go_with_it_are_one_line(flags: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        arguments([*flags.split(), "users.txt"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
