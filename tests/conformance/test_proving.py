"""Mechanisms of AUTH: the states behind them are reached by each, and no secret is shown."""

import re
from base64 import b64encode

import pytest

from conformance.checking import Check, Selection, Server
from conformance.dialogue import Dialogue
from conformance.judging import Verdict
from conformance.places import Place
from conformance.proving import chosen, prove
from conformance.rules.known import RULES

from ..kit.toy import LAWFUL, of_replies, toys
from ..kit.wires import TARGET, run, together

LOGIN_ONLY = LAWFUL._replace(says=of_replies(rb"AUTH PLAIN LOGIN", b"AUTH LOGIN"))


class Scripted:
    """A wire to a server that says this, whatever it hears."""

    def __init__(self, *replies: bytes) -> None:
        self._replies = list(replies)
        self.heard: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.heard.append(data)

    async def hear(self, seconds: float) -> bytes | None:
        return self._replies.pop(0)

    async def secure(self) -> str:
        return "there is no TLS"

    async def end_output(self) -> None:
        """Nothing comes of it."""

    async def pause(self, seconds: float) -> None:
        """No time passes."""

    def close(self) -> None:
        """Nothing is kept."""


def test_a_server_that_knows_only_login_is_walked_authenticated() -> None:
    check = Check(Server(toys(LOGIN_ONLY), TARGET, together, lambda: 1.0), Selection(frozenset(RULES)))
    outcome = check.run(())
    authed = [judged for judged in outcome.cells if judged.place is Place.AUTHED]
    assert outcome.profile.mechanisms == ("LOGIN",) and len(authed) > 20 and not outcome.findings and not outcome.gaps
    assert {judged.verdict for judged in authed} == {Verdict.RIGHT}
    lines = [line for judged in authed for line in judged.lines]
    assert "C: (password)" in lines and not any("c2VjcmV0" in line for line in lines)


def test_cram_md5_is_answered_as_its_rfc_says() -> None:
    """The example of RFC 2195 section 2."""
    wire = Scripted(b"334 " + b64encode(b"<1896.697170952@postoffice.reston.mci.net>") + b"\r\n", b"235 ok\r\n")
    dialogue = Dialogue(wire, 1.0)
    target = TARGET._replace(auth=("tim", "tanstaaftanstaaf"), mechanism="CRAM-MD5")
    assert run(prove(dialogue, target)).code == "235"
    assert wire.heard == [b"AUTH CRAM-MD5\r\n", b64encode(b"tim b913a602c7eda7a495b4e6e7334d3890") + b"\r\n"]
    assert not any(re.search("dGlt|b913", line) for line in dialogue.lines)


def test_what_is_no_challenge_is_answered_too() -> None:
    wire = Scripted(b"334 ?\r\n", b"501 what\r\n")
    assert run(prove(Dialogue(wire, 1.0), TARGET._replace(mechanism="CRAM-MD5"))).code == "501"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
def test_a_refusal_ends_it(mechanism: str) -> None:
    wire = Scripted(b"503 no\r\n")
    assert run(prove(Dialogue(wire, 1.0), TARGET._replace(mechanism=mechanism))).code == "503" and len(wire.heard) == 1


@pytest.mark.parametrize(
    ("offered", "mechanism"),
    [
        ((), "PLAIN"),
        (("XOAUTH2",), "XOAUTH2"),
        (("XOAUTH2", "CRAM-MD5", "LOGIN"), "LOGIN"),
        (("LOGIN", "PLAIN"), "PLAIN"),
        (("SCRAM-SHA-1", "CRAM-MD5"), "CRAM-MD5"),
    ],
)
def test_the_simplest_is_chosen(offered: tuple[str, ...], mechanism: str) -> None:
    assert chosen(offered) == mechanism
