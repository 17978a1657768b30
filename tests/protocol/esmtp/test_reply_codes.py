"""Every reply is one that RFC 5321 section 4.3.2 lists for its command, or an RFC of an extension does.

The lists are written down here, and nothing is read from the catalogue of replies.
"""

from collections.abc import Iterator
from typing import Any, Literal

import pytest

from protocol.engine.environment import Policy
from protocol.esmtp.table import ESMTP

from ...kit.esmtp_dialogues import Dialogue, Talk, dialogues
from ...kit.esmtp_ordering import CHECKED, FAILED, FILL, SECURED, STORED, UNKNOWN, Known, expected
from ...kit.support import Client, DiskIsFull

pytestmark = pytest.mark.no_cover  # which would take most of its time

ANY = {421, 500, 501}
"""Section 4.3.2: any command; a line too long or unknown, a syntax error, the end of the service."""

OUT_OF_ORDER = {503}
"""Section 4.1.4, of all commands that are part of a transaction; RFC 3207 and 4954 for STARTTLS and AUTH."""

NOT_IMPLEMENTED = {502}
"""Section 4.2.4, of commands that are known, but not offered."""

POLICY = {530}
"""RFC 3207 section 4, RFC 4954 section 6."""

CONTENT = {250, 552, 554, 451, 452, 450, 550}
"""Section 4.3.2, after the end of mail data. RFC 1870 section 6.3: 552. RFC 3030 section 2: of chunks, too."""

CODES: dict[str, set[int]] = {
    "connection": {220, 554, 421},
    "EHLO": {250, 504, 550, 502},
    "HELO": {250, 504, 550, 502},
    "MAIL": {250, 552, 451, 452, 550, 553, 503, 455, 555} | POLICY,  # RFC 1870: 552, 452. RFC 6531: 550, 553. RFC 9422: 452
    "RCPT": {250, 251, 550, 551, 552, 553, 450, 451, 452, 503, 455, 555} | POLICY,  # RFC 9422: 452. RFC 6531: 553
    "DATA": {354, 450, 550, 503, 554} | POLICY,  # RFC 3030 section 3, of binary content: 503
    "content": CONTENT,
    "BDAT": CONTENT | OUT_OF_ORDER | NOT_IMPLEMENTED,
    "RSET": {250},
    "VRFY": {250, 251, 252, 550, 551, 553, 502, 504},
    "EXPN": {250, 252, 550, 500, 502, 504},
    "HELP": {211, 214, 502, 504},
    "NOOP": {250},
    "QUIT": {221},
    "STARTTLS": {220, 454} | OUT_OF_ORDER | NOT_IMPLEMENTED,  # RFC 3207 section 4
    "AUTH": {334, 235, 432, 454, 504, 534, 535, 538} | OUT_OF_ORDER | NOT_IMPLEMENTED,  # RFC 4954 sections 4 and 6
}


def is_listed(command: str, code: int) -> bool:
    return code in CODES.get(command, set()) | ANY


def command_of(now: Known, step: str) -> str:
    """What a reply to this step answers."""
    if step == SECURED:
        return "connection"
    if step in (CHECKED, UNKNOWN) or now.place.startswith("asked"):
        return "AUTH"
    if step in (STORED, FAILED) or now.place == "mail data":
        return "content"
    return "BDAT" if step == FILL else step.split(" ")[0].upper()


def answered(dialogue: Dialogue) -> Iterator[tuple[str, int]]:
    """Each command of a dialogue with its reply's code; of what was held, only who was waited for."""
    now, talk = dialogue.start, Talk(ESMTP, dialogue.start)
    for step in dialogue.steps:
        for reply in talk.take(step, now.due)[:1]:
            yield command_of(now, step), int(reply[:3])
        _, now = expected(now, step)


def test_every_reply_in_the_order_of_commands_is_listed_for_its_command() -> None:
    found = {pair for dialogue in dialogues() for pair in answered(dialogue)}
    assert not {(command, code) for command, code in found if not is_listed(command, code)}
    assert {command for command, _ in found} >= CODES.keys(), "nothing is left out"
    assert len(found) > 50


def _refused(name: bytes, secret: bytes, answer: Any) -> Any:
    answer(False)


TO_RCPT = ("ehlo me", "mail from:<a@b>")
REFUSED: list[tuple[Policy, tuple[str, ...], int]] = [
    (Policy(), ("ehlo me", "mail from:<a@b> size=1001"), 552),
    (Policy(), ("ehlo me", "mail from:<a@b> size=x"), 501),
    (Policy(), ("ehlo me", "mail from:<a@b> size=1 size=1"), 501),
    (Policy(), ("ehlo me", "mail from:<\xe4@b>"), 553),
    (Policy(), (*TO_RCPT, "rcpt to:<\xe4@b>"), 553),
    (Policy(), (*TO_RCPT, "rcpt to:<a@b> notify=never"), 555),
    (Policy(domains=frozenset({b"here"})), (*TO_RCPT, "rcpt to:<johndoe@there>"), 550),
    (Policy(max_recipients=1), (*TO_RCPT, "rcpt to:<johndoe@b>", "rcpt to:<johndoe@b>"), 452),
    (Policy(max_messages=1), (*TO_RCPT, "rcpt to:<johndoe@b>", "data", ".", "mail from:<a@b>"), 452),
    (Policy(has_tls=True, requires_tls=True), TO_RCPT, 530),
    (Policy(authenticate=_refused, requires_authentication=True), TO_RCPT, 530),
    (Policy(authenticate=_refused), ("ehlo me", "auth plain"), 538),
    (Policy(), ("vrfy johndoe",), 252),
    (Policy(verifies=True), ("vrfy johndoe",), 250),
    (Policy(verifies=True), ("vrfy <nobody@here>",), 550),
    (Policy(hidden=frozenset({"SMTPUTF8"})), ("ehlo me", "mail from:<a@b> SMTPUTF8"), 555),
]


@pytest.mark.parametrize(("policy", "lines", "code"), REFUSED)
def test_what_an_operator_decides_is_answered_as_listed(policy: Policy, lines: tuple[str, ...], code: int) -> None:
    client = Client(ESMTP, policy=policy)
    assert client.codes(*lines) == [code]
    assert is_listed(lines[-1].split(" ")[0].upper(), code)


@pytest.mark.parametrize("kind", ["no room", "for now", "for good"])
def test_a_fault_of_storage_is_answered_as_listed(kind: Literal["no room", "for now", "for good"]) -> None:
    for ending in (("data", "."), ("bdat 0 last",)):
        client = Client(ESMTP)
        client.store.fault = DiskIsFull(kind)
        (code,) = client.codes(*TO_RCPT, "rcpt to:<johndoe@b>", *ending)
        assert code >= 400 and is_listed("content", code)


def test_the_first_and_the_last_words_are_as_listed() -> None:
    for leave in ("time_out", "break_down"):
        client = Client(ESMTP)
        assert [int(line[:3]) for line in client.hear()] == [220]
        getattr(client.session, leave)()
        assert [int(line[:3]) for line in client.hear()] == [421]
    client = Client(ESMTP, max_refusals=1)
    client.hear()
    assert client.codes("foo") == [500, 421]
