"""Handing a message to a server, as a client: what it says is what is told."""

from pathlib import Path

import pytest

from service.web.submitting import submitted
from web.environment import Outcome

from ...kit.server import Server

MAIL = b"Subject: x\r\n\r\nhello\r\n"


@pytest.mark.parametrize("dialect", ["classic", "esmtp"])
def test_a_message_is_stored(dialect: str, tmp_path: Path) -> None:
    with Server(tmp_path, "--dialect", dialect) as server:
        assert submitted(("127.0.0.1", server.port), "a@b.example", ["johndoe@b.example"], MAIL) == Outcome(250)
        (kept,) = server.mailbox("johndoe")
        assert b"hello" in kept.content


def test_addresses_may_be_in_any_script(tmp_path: Path) -> None:
    with Server(tmp_path, "--dialect", "esmtp", "--catch-all", "johndoe") as server:
        assert submitted(("127.0.0.1", server.port), "ána@b.example", ["josé@b.example"], MAIL) == Outcome(250)
        (kept,) = server.mailbox("johndoe")
        assert kept.forward_path == "josé@b.example".encode()


def test_any_password_is_given_where_one_is_wanted(tmp_path: Path) -> None:
    with Server(tmp_path, "--dialect", "esmtp", "--auth-accept-any", "--auth-allow-insecure", "--require-auth") as server:
        assert submitted(("127.0.0.1", server.port), "a@b.example", ["johndoe@b.example"], MAIL) == Outcome(250)


@pytest.mark.parametrize(
    ("recipients", "code"), [(["nobody@b.example"], 550), (["johndoe@b.example", "nobody@b.example"], 550)]
)
def test_a_refusal_is_told(recipients: list[str], code: int, tmp_path: Path) -> None:
    with Server(tmp_path, "--dialect", "esmtp") as server:
        assert submitted(("127.0.0.1", server.port), "a@b.example", recipients, MAIL).code == code


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        port = server.port
    assert submitted(("127.0.0.1", port), "a@b.example", ["johndoe@b.example"], MAIL).code == 421
    assert submitted(("", 0), "a@b.example", ["johndoe@b.example"], MAIL).code == 421
