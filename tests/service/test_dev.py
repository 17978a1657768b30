"""--dev is what its flags are together: each can be overridden, and it says what to set in an application."""

import logging
import re
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from reactor.stream.self_signed import NoMaker
from service import dev
from service.dev import advice
from service.kinds import KINDS, POSTGRES
from service.options import arguments
from service.sources import read
from service.wiring import MAILBOXES, STORES, place_of, policy_of

from ..kit.documents import blocks
from ..kit.esmtp_server import line_of
from ..kit.support import ROOT, program
from .world import service_of

LONG = (
    "--dialect esmtp --listen 127.0.0.1:1025 --create-mailboxes --auth-accept-any --auth-allow-insecure --tls-auto "
    "--bare-newline normalize --web"
)


def options_of(*words: str) -> dict[str, object]:
    return {name: value for name, value in vars(arguments(words)).items() if name != "dev"}


def test_it_stands_for_the_flags_that_the_help_and_the_document_say() -> None:
    assert options_of("--dev") == options_of(*LONG.split())
    (shown,) = (block for block in blocks("docs/catching.md", "sh") if "--bare-newline" in block)
    assert shown.replace("\\\n", "").split()[1:] == LONG.split()
    assert LONG in " ".join((ROOT / "docs" / "smtpd.md").read_text().replace("`", "").split())


@pytest.mark.parametrize(
    ("given", "without"),
    [
        ("--listen 127.0.0.1:0 --listen [::1]:0", "--listen 127.0.0.1:1025"),
        ("users.txt", "--create-mailboxes"),
        ("--catch-all a users.txt", "--create-mailboxes"),
        ("--auth-file a.txt", "--auth-accept-any"),
        ("--tls-cert c.pem --tls-key k.pem", "--tls-auto"),
        ("--create-mailboxes 5 users.txt", "--create-mailboxes"),
        ("--bare-newline reject", ""),
        ("--web 127.0.0.1:0", "--web"),
        ("--store discard", "--web"),
        ("--listen-tls 127.0.0.1:0 --require-tls --require-auth --max-message-size 1G --mail-dir x --store maildir", ""),
    ],
)
def test_what_is_given_beside_it_overrides(given: str, without: str) -> None:
    spelled_out = LONG.replace(without, "").replace(
        "--web", "--web 127.0.0.1:8025"
    )  # so that no file is taken for its address
    assert options_of("--dev", *given.split()) == options_of(*spelled_out.split(), *given.split())
    assert options_of(*given.split(), "--dev") == options_of("--dev", *given.split())


def test_without_a_page_it_is_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = options_of(*LONG.replace(" --web", "").split())
    assert {**options_of("--dev", "--no-web"), "no_web": False} == rest
    monkeypatch.setattr(dev, "missing", lambda: ["h11"])
    assert options_of("--dev") == rest


@pytest.mark.parametrize("store", [*STORES, POSTGRES])
def test_each_store_can_be_told_of(store: str) -> None:
    assert place_of(Namespace(store=store, mail_dir="mail"), "ana").startswith("is ")


def test_each_kind_of_mail_directory_can_be_read() -> None:
    assert MAILBOXES.keys() == KINDS.keys()


def test_in_the_classic_dialect_it_is_what_that_has() -> None:
    classic = "--dialect classic --listen 127.0.0.1:1025 --create-mailboxes --web"
    assert options_of("--dev", "--dialect", "classic") == options_of(*classic.split())


def test_without_names_but_with_a_catch_all_a_users_file_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--dev", "--no-web", "--catch-all", "a"])
    assert "USERS_FILE is missing" in capsys.readouterr().err


def prepared(directory: Path, *flags: str) -> Namespace:
    options = arguments(["--dev", "--no-web", *(() if "--listen" in flags else ("--listen", "127.0.0.1:0")), *flags])
    options.hostname = b"localhost"
    options.mail_dir = directory / "mailboxes"
    return options


@pytest.mark.parametrize(
    ("flags", "patterns"),
    [
        ("", (r"host 127.0.0.1; port \d+; any name and any password, or none; STARTTLS \(with a self-signed certificate\), "
              r"or no TLS", "mail for ana@example.com is put in DIR/ana.txt")),
        ("--store maildir --require-tls --require-auth --listen 0.0.0.0:0",
         (r"host this machine's name; port \d+; any name and any password; STARTTLS \(with a self-signed certificate\)",
          "mail for ana@example.com is put in DIR/ana/new")),
        ("--store discard --dialect classic --listen [::1]:0",
         (r"host ::1; port \d+; no password; no TLS", "mail for ana@example.com is thrown away")),
    ],
)  # fmt: skip
def test_it_says_what_to_set(tmp_path: Path, flags: str, patterns: tuple[str, str]) -> None:
    program("openssl")
    options = prepared(tmp_path, *flags.split())
    service, listeners = service_of(options)
    first, second = advice(options, read(options), listeners)
    assert re.fullmatch(f"set in your application: {patterns[0]}", first), first
    assert second == patterns[1].replace("DIR", str(options.mail_dir))
    for listener in listeners:
        listener.close()
    service.reactor.close()


def test_it_says_whose_names_and_passwords_count_where_files_say_it(tmp_path: Path) -> None:
    program("openssl")
    (tmp_path / "users.txt").write_text("maria\n")
    (tmp_path / "auth.txt").write_text(line_of("maria", "open sesame"))
    options = prepared(tmp_path, "--auth-file", str(tmp_path / "auth.txt"), str(tmp_path / "users.txt"))
    service, listeners = service_of(options)
    first, second = advice(options, read(options), listeners)
    assert f"; a name and password of {tmp_path}/auth.txt; " in first and second.startswith("mail for maria@example.com ")
    for listener in listeners:
        listener.close()
    service.reactor.close()


@pytest.mark.parametrize("flags", [(), ("--require-tls",), ("--listen-tls", "127.0.0.1:0")])
def test_without_anything_that_makes_certificates_it_goes_on_unless_tls_is_asked_for(
    tmp_path: Path, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "cryptography", None)
    options = prepared(tmp_path, *flags)
    if flags:
        with pytest.raises(NoMaker):
            read(options)
        return
    with caplog.at_level(logging.WARNING):
        sources = read(options)
    assert caplog.messages == [
        "no certificate can be made: install openssl, or the Python package cryptography: going on without STARTTLS"
    ]
    service, listeners = service_of(options)
    assert not policy_of(options, sources, service._checks).has_tls
    assert "; no TLS" in advice(options, sources, listeners)[0]
    for listener in listeners:
        listener.close()
    service.reactor.close()
    sources.reread()
