"""What the log and the datagrams say of a client."""

import logging

import pytest

from protocol.fussy.critic import Critic, Remark
from protocol.fussy.rules import RULES
from protocol.fussy.stored import MOST_STORED
from service.fussy import Fussy, words
from service.judged import Judged, datagram, parsed
from service.snapshots import LONGEST

from ..kit.esmtp import EsmtpClient

RULE = RULES["5321-4.1.2-brackets"]


def test_a_remark_as_a_line() -> None:
    assert words(Remark(RULE, 1)) == (
        "fussy: 5321-4.1.2-brackets: it sent an address without angle brackets (RFC 5321 section 4.1.2, MUST): "
        "send <user@host>"
    )
    assert ", 3 times, as 'MAIL FROM:a@b' (RFC" in words(Remark(RULE, 3, "MAIL FROM:a@b"))


def test_a_datagram_comes_back_and_no_other_is_taken_for_one() -> None:
    judged = Judged(1.5, "192.0.2.1:25", "me", 3, 1, [(RULE.id, 2, "MAIL FROM:a@b"), ("a rule of later", 1, "")], ["x"])
    assert parsed(datagram(judged)) == judged
    assert parsed(b"[1,2,3.0,4.0,[]]") is None
    for broken in (b'{"judged":[1]}', b'{"judged":'):
        with pytest.raises((ValueError, TypeError)):
            parsed(broken)


def test_a_datagram_fits_whatever_a_client_does() -> None:
    judged = Judged(
        1.5, "x" * 60, "\u2028" * 255, 3, 1, [(id, 10**9, "\U0001f600" * 100) for id in RULES], ["x" * 40] * MOST_STORED
    )
    assert len(datagram(judged)) < LONGEST


def session(fussy: Fussy, peer: str) -> EsmtpClient:
    return EsmtpClient(open_session=lambda site, *rest: fussy.session(peer, site, *rest))


def test_who_hurries_is_the_next_client_only() -> None:
    told: list[bytes] = []
    fussy = Fussy(told.append)
    fussy.hurried("192.0.2.1:1")
    for peer in ("192.0.2.1:1", "192.0.2.1:2"):
        client = session(fussy, peer)
        client.say("EHLO me.example", "QUIT")
    first, second = (parsed(datagram) for datagram in told)
    assert first and [id for id, _, _ in first.remarks] == ["5321-4.3.1-before-greeting"]
    assert second and (second.peer, second.name, second.commands, second.remarks) == ("192.0.2.1:2", "me.example", 2, [])


def test_who_was_refused_before_it_had_a_session_hurries_no_other() -> None:
    told: list[bytes] = []
    fussy = Fussy(told.append)
    fussy.hurried("192.0.2.1:1")
    session(fussy, "192.0.2.1:2").say("QUIT")
    session(fussy, "192.0.2.1:1").say("QUIT")
    assert [judged.remarks for datagram in told if (judged := parsed(datagram))] == [[], []]


def test_a_bug_is_logged_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(Critic, "moved", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR):
        client = session(Fussy(), "192.0.2.1:1")
        assert client.codes("EHLO me.example", "QUIT") == [221]
    (record,) = caplog.records
    assert record.exc_info and "cannot be told what this client did" in record.getMessage()
