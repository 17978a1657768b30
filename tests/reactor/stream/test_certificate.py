"""Certificates: what is wrong with a file is one line of advice, and a good one is never given up for a bad one."""

import os
import re
import signal
import time
from pathlib import Path

import pytest

from reactor.stream.certificate import Certificate, CertificateError

from ...kit.echo import Pair
from ...kit.server import Server
from ...kit.support import wait_until
from ...kit.tls import EC, Peer, Pem, Service, make_pem, trusting


def refusal(cert: Path, key: Path) -> str:
    with pytest.raises(CertificateError) as caught:
        Certificate(cert, key)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_named(pem: Pem, tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    for pair in ((missing, pem.key), (pem.cert, missing)):
        assert refusal(*pair) == f"{missing}: No such file or directory: give a PEM file that this user may read"


def test_a_directory_is_no_file(pem: Pem, tmp_path: Path) -> None:
    assert refusal(tmp_path, pem.key).startswith(f"{tmp_path}: Is a directory: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(pem: Pem, tmp_path: Path) -> None:
    secret = tmp_path / "secret.pem"
    secret.write_bytes(pem.key.read_bytes())
    secret.chmod(0)
    assert refusal(pem.cert, secret).startswith(f"{secret}: Permission denied: ")


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\0\xff" * 500, b"-----BEGIN CERTIFICATE-----\nno\n"])
def test_what_is_not_pem_is_named(pem: Pem, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(content)
    assert refusal(other, pem.key).startswith(f"{other}: there is no certificate in it: give a PEM file")
    assert refusal(pem.cert, other).startswith(f"{other}: there is no private key in it: give a PEM file")


def test_files_that_are_mixed_up_are_named(pem: Pem) -> None:
    assert refusal(pem.key, pem.key).startswith(f"{pem.key}: there is no certificate in it")
    assert refusal(pem.cert, pem.cert).startswith(f"{pem.cert}: there is no private key in it")


@pytest.mark.parametrize("how", [(), ("-newkey", "rsa:2048", "-nodes")])
def test_a_key_of_another_certificate_is_refused(pem: Pem, tmp_path: Path, how: tuple[str, ...]) -> None:
    other = make_pem(tmp_path, "other", *how)
    why = refusal(pem.cert, other.key)
    assert why == f"{other.key}: the key is not that of the certificate {pem.cert}: give the two that were made together"


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    locked = make_pem(tmp_path, "locked", *EC, "-passout", "pass:sesame")
    assert refusal(*locked).startswith(f"{locked.key}: the key needs a passphrase: give a key without one")


def test_a_key_that_is_too_weak_is_refused_with_the_reason(tmp_path: Path) -> None:
    weak = make_pem(tmp_path, "weak", "-newkey", "rsa:512", "-nodes")
    assert refusal(*weak).startswith(f"{weak.cert}: OpenSSL refuses it: ee key too small: ")


def test_one_file_may_hold_both(pem: Pem, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(pem.key.read_bytes() + pem.cert.read_bytes())
    assert Certificate(both, both).context()


def test_a_new_certificate_is_for_who_comes_next_and_a_bad_one_for_nobody(pem: Pem, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    renewed = make_pem(tmp_path, "renewed")
    cert.write_bytes(pem.cert.read_bytes())
    key.write_bytes(pem.key.read_bytes())
    certificate = Certificate(cert, key)
    with Service(certificate.context) as service:
        early = service.upgrade(trusting(pem))
        cert.write_bytes(renewed.cert.read_bytes())
        with pytest.raises(CertificateError, match="the key is not that of the certificate"):
            certificate.reread()
        service.upgrade(trusting(pem))
        key.write_bytes(renewed.key.read_bytes())
        certificate.reread()
        service.upgrade(trusting(renewed))
        early.sendall(b"still here\n")
        assert early.recv(100) == b"still here\n"


def test_a_handshake_ends_with_the_certificate_with_which_it_began(pem: Pem, tmp_path: Path) -> None:
    current = [Certificate(*pem)]
    pair = Pair(tls=lambda: current[0].context(), wants_tls=True)
    peer = Peer(trusting(pem))
    current[0] = Certificate(*make_pem(tmp_path, "renewed"))
    peer.receive(pair.say(peer.due()))
    assert peer.is_secured
    pair.close()


# Warnings


DAY = 86_400


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-1, r"it is not valid before .* GMT: look at the clock, or wait"),
        (0, r"it expires on .* GMT, in 2\.0 days: renew it"),
        (3, r"it has expired on .* GMT: renew it"),
    ],
)
def test_a_certificate_is_warned_of_before_it_starts_shortly_before_it_ends_and_afterwards(
    pem: Pem, monkeypatch: pytest.MonkeyPatch, days: int, words: str
) -> None:
    now = time.time() + days * DAY
    monkeypatch.setattr("reactor.stream.certificate.time.time", lambda: now)
    (warning,) = Certificate(*pem, "localhost").warnings
    assert re.fullmatch(rf"{re.escape(str(pem.cert))}: {words}", warning)


def test_one_that_is_good_for_long_is_not_warned_of(tmp_path: Path) -> None:
    good = make_pem(tmp_path, "good", *EC, "-nodes", days=60)
    assert Certificate(*good, "localhost").warnings == Certificate(*good, "127.0.0.1").warnings == []
    assert Certificate(*good).warnings == []


@pytest.mark.parametrize("host", ["mx.example.org", "xn--bcher-kva.example", "192.0.2.1"])
def test_one_that_does_not_name_the_host_is_warned_of(tmp_path: Path, host: str) -> None:
    good = make_pem(tmp_path, "good", *EC, "-nodes", days=60)
    assert Certificate(*good, host).warnings == [
        f"{good.cert}: it does not name {host}: clients that check it will leave: give one that does, or another --hostname"
    ]


@pytest.mark.parametrize(("mode", "is_warned_of"), [(0o600, False), (0o640, False), (0o604, True), (0o644, True)])
def test_a_key_that_everybody_may_read_is_warned_of(tmp_path: Path, mode: int, is_warned_of: bool) -> None:
    good = make_pem(tmp_path, "good", *EC, "-nodes", days=60)
    good.key.chmod(mode)
    expected = [f"{good.key}: everybody may read the private key: chmod 600"] if is_warned_of else []
    assert Certificate(*good, "localhost").warnings == expected


def test_the_server_warns_at_its_start_and_when_the_certificate_is_read_again(tmp_path: Path) -> None:
    pem = make_pem(tmp_path, "old")
    flags = ("--dialect", "esmtp", "--hostname", "mx.test", "--tls-cert", str(pem.cert), "--tls-key", str(pem.key))
    with Server(tmp_path, *flags) as server:
        warnings = [line.split(" ", 3)[3] for line in server.log.splitlines() if " WARNING " in line]
        assert len(warnings) == 2 and "it does not name mx.test" in warnings[1]
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.log.count("WARNING") == 4)
