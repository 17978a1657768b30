"""A certificate that is made on the spot: for whom, how it is kept, when it is made anew, and who makes it."""

import logging
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from reactor.stream.certificate import DAY, SOON, CertificateError
from reactor.stream.self_signed import DAYS, NoMaker, SelfSigned

from ...kit.support import program
from ...kit.tls import EC

WITHOUT = "no certificate can be made: install openssl, or the Python package cryptography"


@pytest.fixture(params=["command", "package"])
def maker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What makes certificates, which is there then, while the other one is not."""
    if request.param == "command":
        program("openssl")
    else:
        pytest.importorskip("cryptography")
        monkeypatch.setenv("PATH", "")
    return str(request.param)


def handshake(context: ssl.SSLContext, trusted: Path, host: str) -> dict[str, object]:
    """The certificate that a strict client sees that trusts this file and expects this host."""
    client_context = ssl.create_default_context(cafile=str(trusted))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(back, there, server_hostname=host)
    server = context.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    shown = client.getpeercert()
    assert shown
    return dict(shown)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("mx.example.org", "mx.example.org"),
        ("MX.example.org.", "mx.example.org"),
        ("[192.0.2.5]", "192.0.2.5"),
        ("[IPv6:2001:db8::5]", "2001:db8::5"),
        ("my_container-1", "my_container-1"),
        (".".join(["a" * 60] * 4), ".".join(["a" * 60] * 4)),
        ("b\xfccher", "localhost"),
        ("x,DNS:evil.example", "localhost"),
    ],
)
def test_a_strict_client_that_trusts_it_is_content_with_each_of_its_names(
    maker: str, tmp_path: Path, host: str, name: str
) -> None:
    made = SelfSigned(tmp_path / "new" / ".tls", host)
    (path,) = (tmp_path / "new" / ".tls").iterdir()
    for expected in (name, "localhost", "127.0.0.1", "::1"):
        shown = handshake(made.context(), path, expected)
    ends = ssl.cert_time_to_seconds(str(shown["notAfter"])) - ssl.cert_time_to_seconds(str(shown["notBefore"]))
    assert abs(ends - DAYS * DAY) < DAY
    assert "evil.example" not in str(shown) and not made.warnings
    again = SelfSigned(tmp_path / "new" / ".tls", host)
    assert handshake(again.context(), path, name)["serialNumber"] == shown["serialNumber"], "it is used again"


def test_it_is_for_its_owner_only_whatever_the_umask_is(maker: str, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        SelfSigned(tmp_path / "new" / ".tls", "mx")
    finally:
        os.umask(before)
    paths = [tmp_path / "new", tmp_path / "new" / ".tls", tmp_path / "new" / ".tls" / "self-signed.pem"]
    assert [oct(path.stat().st_mode & 0o777) for path in paths] == ["0o700", "0o700", "0o600"]


def made_by_hand(path: Path, days: float) -> bytes:
    """A certificate for localhost that ends in so many days."""
    command = [program("openssl"), "req", "-x509", *EC, "-nodes", "-subj", "/CN=localhost", "-days", str(int(days))]
    names = ("-addext", "subjectAltName=DNS:localhost")
    path.parent.mkdir()
    path.touch(0o600)
    subprocess.run([*command, *names, "-keyout", path, "-out", path], check=True, capture_output=True, timeout=60)
    return path.read_bytes()


@pytest.mark.parametrize(("days", "stays"), [(SOON / DAY + 1, True), (SOON / DAY - 1, False)])
def test_it_is_made_anew_when_it_nears_its_end(tmp_path: Path, days: float, stays: bool) -> None:
    path = tmp_path / ".tls" / "self-signed.pem"
    before = made_by_hand(path, days)
    SelfSigned(path.parent, "localhost")
    assert (path.read_bytes() == before) == stays


def test_it_is_made_anew_for_another_host_or_when_it_was_damaged_or_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program("openssl")
    path = tmp_path / ".tls" / "self-signed.pem"
    with caplog.at_level(logging.INFO):
        made = SelfSigned(path.parent, "one.example")
        SelfSigned(path.parent, "other.example")
        path.write_bytes(path.read_bytes()[:300])
        SelfSigned(path.parent, "other.example")
        path.chmod(0o644)
        SelfSigned(path.parent, "other.example")
        shutil.rmtree(path.parent)
        made.reread()
    assert len(caplog.messages) == 5
    said = "made, a self-signed certificate for one.example, localhost, 127.0.0.1, ::1, valid for 365 days"
    assert caplog.messages[0] == caplog.messages[-1] == f"{path}: {said}"
    assert path.stat().st_mode & 0o777 == 0o600 and [*path.parent.iterdir()] == [path]


def test_where_nothing_makes_certificates_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(NoMaker, match=f"^{WITHOUT}$"):
        SelfSigned(tmp_path / ".tls", "mx")
    assert not [*(tmp_path / ".tls").iterdir()]


@pytest.mark.parametrize(
    ("script", "words"), [("echo no such curve >&2; exit 1", "no such curve"), ("exit 3", "exit code 3")]
)
def test_an_openssl_that_fails_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, script: str, words: str
) -> None:
    command = tmp_path / "openssl"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(NoMaker):
        SelfSigned(tmp_path / ".tls", "mx")
    assert caplog.messages == [f"openssl made no certificate: {words}"] and not [*(tmp_path / ".tls").iterdir()]


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CertificateError, match="/file: File exists: the certificate cannot be kept there"):
        SelfSigned(tmp_path / "file" / ".tls", "mx")
