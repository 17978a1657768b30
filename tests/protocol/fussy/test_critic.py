"""For each rule a dialogue that breaks it and no other one; clients that keep to the RFCs; and that nothing changes."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.engine.environment import Move, Site
from protocol.engine.session import Session
from protocol.esmtp import extensions
from protocol.esmtp.extensions import EXTENSIONS
from protocol.esmtp.tolerance import Tolerance
from protocol.fussy.commands import LONGEST_LOCAL_PART
from protocol.fussy.critic import LONGEST_EXAMPLE, LONGEST_LINE, Critic
from protocol.fussy.overheard import Overheard
from protocol.fussy.rules import OF_TOLERANCES, RULES

from ...kit.cutting import pieces_of
from ...kit.esmtp import Checker, EsmtpClient, proof
from ...kit.esmtp_streams import CUTS, STREAM
from ...kit.support import ROOT

HANDSHAKE = b"<handshake>"
LEAVES = b"<leaves>"
SETTLES = b"<the store answers>"
HELLO, MAIL, RCPT, DATA = b"EHLO c.example\r\n", b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<johndoe@here>\r\n", b"DATA\r\n"
QUIT, TEXT = b"QUIT\r\n", b"Subject: x\r\n\r\nhello\r\n.\r\n"
BEGUN = (HELLO, MAIL, RCPT)
SENT = (*BEGUN, DATA, TEXT, QUIT)


def fail() -> None:
    raise AssertionError("the critic broke") from None


class Judged:
    """A client with a critic beside its session. Arguments are those of EsmtpClient."""

    def __init__(self, broke: Callable[[], None] = fail, **policy: Any) -> None:
        self.told: list[Critic] = []
        self._broke = broke
        checks = {"has_tls": True, "authenticate": Checker(), "authenticates_in_clear": True, "max_message_size": 100_000}
        self.client = EsmtpClient(open_session=self._open, **{**checks, **policy})

    def _open(self, site: Site, *arguments: Any) -> Overheard:
        self.site = site
        return Overheard(site, *arguments, tell=self.told.append, broke=self._broke)

    def hold(self, steps: Sequence[bytes]) -> list[bytes]:
        """Sends each step when the one before was answered; returns what was heard."""
        heard = []
        for step in steps:
            if step == HANDSHAKE:
                self.client.session.secured()
                heard += self.client.hear()
            elif step == LEAVES:
                self.client.session.end_of_input()
            elif step == SETTLES:
                heard += self.client.settle()
            else:
                heard += self.client.send(step)
        return heard

    @property
    def broken(self) -> list[str]:
        """The ids of the rules that it broke, when its session is over."""
        assert len(self.told) == 1, "who wants to know is told once"
        return [remark.rule.id for remark in self.told[0].remarks]


def broken(*steps: bytes, **policy: Any) -> list[str]:
    judged = Judged(**policy)
    judged.hold(steps)
    return judged.broken


def content(text: bytes, *before: bytes) -> tuple[bytes, ...]:
    return (*(before or BEGUN), DATA, text + b"\r\n.\r\n", QUIT)


def path(text: bytes) -> tuple[bytes, ...]:
    return (HELLO, b"MAIL FROM:" + text + b"\r\n", RCPT, DATA, TEXT, QUIT)


AUTH = f"AUTH PLAIN {proof()}\r\n".encode()
STARTTLS = (HELLO, b"STARTTLS\r\n", HANDSHAKE)
OFFERED: dict[str, Any] = {}
HIDDEN = {"hidden": frozenset(["PIPELINING", "CHUNKING", "STARTTLS", "AUTH", "8BITMIME"])}

CASES: list[tuple[str, tuple[bytes, ...], dict[str, Any]]] = [
    ("5321-2.3.8-bare-lf", (HELLO, b"NOOP\nRSET\r\n", QUIT), OFFERED),
    ("5321-2.3.8-bare-lf", (b"EHLO c.example\n", LEAVES), OFFERED),
    ("5321-2.3.8-bare-cr", (HELLO, b"NOOP\rx\r\n", QUIT), OFFERED),
    ("5321-2.3.8-bare-lf-text", content(b"one\ntwo"), OFFERED),
    ("5321-2.3.8-bare-lf-text", content(b"one\ntwo"), {"mends_newlines": True}),
    ("5321-2.3.8-bare-cr-text", content(b"one\rtwo"), OFFERED),
    ("5321-4.5.3.1.4-command-line", (HELLO, b"NOOP " + b"x" * LONGEST_LINE + b"\r\n", QUIT), OFFERED),
    ("5321-4.5.3.1.4-command-line", (HELLO, b"x" * 9_000, b"y" * 9_000, b"z\r", b"\n", QUIT), OFFERED),
    ("5321-4.5.3.1.6-text-line", content(b"x" * 999), OFFERED),
    ("5321-4.5.3.1.6-text-line", (*BEGUN, DATA, b"x" * 900, b"y" * 900, b"z" * 900, b"\r\nend\r\n.\r\n", QUIT), OFFERED),
    ("5321-2.4-eight-bit-command", (HELLO, b"NOOP \xc3\xa9\r\n", QUIT), OFFERED),
    ("5321-2.4-eight-bit-command", (b"EHLO caf\xc3\xa9.example\r\n", QUIT), OFFERED),
    ("5321-2.4-eight-bit-command", (HELLO, b"MAIL FROM:<\xc3\xa9@b.example>\r\n", QUIT), OFFERED),
    ("5321-4.1.1-trailing-blanks", (HELLO, b"NOOP \r\n", QUIT), OFFERED),
    ("5321-4.1.4-hello-first", (MAIL, QUIT), OFFERED),
    ("5321-4.1.4-hello-first", (*STARTTLS, MAIL, QUIT), OFFERED),
    ("5321-4.1.4-nested-mail", (HELLO, MAIL, MAIL, QUIT), OFFERED),
    ("5321-3.3-mail-first", (HELLO, RCPT, QUIT), OFFERED),
    ("5321-3.3-mail-first", (*BEGUN, DATA, TEXT, DATA, QUIT), OFFERED),
    ("5321-3.3-no-recipient", (HELLO, MAIL, DATA, QUIT), OFFERED),
    ("5321-2.1-not-waiting", (b"HELO c.example\r\n", MAIL + RCPT, QUIT), OFFERED),
    ("5321-2.1-not-waiting", (b"HELO c.example\r\n" + MAIL, QUIT), OFFERED),
    ("5321-2.1-not-waiting", (HELLO, b"RSET\r\n" + QUIT), HIDDEN),
    ("2920-3.1-not-last", (HELLO + MAIL, QUIT), OFFERED),
    ("2920-3.1-not-last", (HELLO, b"NOOP\r\n" + QUIT), OFFERED),
    ("5321-4.1.1.4-content-early", (*BEGUN, DATA + TEXT, QUIT), OFFERED),
    ("5321-4.1.1.4-content-early", (*BEGUN, DATA + b"Sub", b"ject: x\r\n.\r\n", QUIT), OFFERED),
    ("5321-4.1.1.10-no-quit", (HELLO, LEAVES), OFFERED),
    ("5321-4.1.1.10-no-quit", (LEAVES,), OFFERED),
    ("5321-4.1.1.10-no-quit", (*BEGUN, DATA, b"half", LEAVES), OFFERED),
    ("5321-4.1.1.10-behind-quit", (HELLO, QUIT + b"NOOP\r\n"), OFFERED),
    ("3207-4-behind-starttls", (HELLO, b"STARTTLS\r\nNOOP\r\n", HANDSHAKE, HELLO, QUIT), OFFERED),
    ("3207-4.2-again", (*STARTTLS, HELLO, b"STARTTLS\r\n", QUIT), OFFERED),
    ("4954-4-again", (HELLO, AUTH, AUTH, QUIT), OFFERED),
    ("4954-4-in-transaction", (HELLO, MAIL, AUTH, QUIT), OFFERED),
    ("3030-2-between-chunks", (*BEGUN, b"BDAT 2\r\nab", RCPT, b"BDAT 0 LAST\r\n", QUIT), OFFERED),
    ("3030-3-binary-data", (HELLO, b"MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n", RCPT, DATA, QUIT), OFFERED),
    ("3030-2-not-offered", (*BEGUN, b"BDAT 2 LAST\r\nab", QUIT), HIDDEN),
    ("3207-4-not-offered", (HELLO, b"STARTTLS\r\n", QUIT), HIDDEN),
    ("4954-4-not-offered", (HELLO, AUTH, QUIT), HIDDEN),
    ("4954-4-not-offered", (HELLO, b"AUTH CRAM-MD5\r\n", QUIT), OFFERED),
    ("5321-4.1.1.11-not-offered", (HELLO, b"MAIL FROM:<a@b.example> BODY=8BITMIME\r\n", QUIT), HIDDEN),
    ("5321-4.1.1.11-not-offered", (HELLO, b"MAIL FROM:<a@b.example> XYZ\r\n", QUIT), OFFERED),
    ("5321-4.1.1.11-not-offered", (b"HELO c\r\n", b"MAIL FROM:<a@b.example> SIZE=1\r\n", QUIT), OFFERED),
    ("5321-4.1.1.11-not-offered", (HELLO, MAIL, b"RCPT TO:<johndoe@here> NOTIFY=NEVER\r\n", QUIT), OFFERED),
    ("6152-3-eight-bit", content(b"caf\xc3\xa9"), OFFERED),
    ("6152-3-eight-bit", (*BEGUN, b"BDAT 2\r\nab", b"BDAT 2 LAST\r\n\xc3\xa9", QUIT), OFFERED),
    ("1870-6.1-size", content(b"hello", HELLO, b"MAIL FROM:<a@b.example> SIZE=4\r\n", RCPT), OFFERED),
    ("5321-4.1.1-unknown", (HELLO, b"FOO\r\n", QUIT), OFFERED),
    ("5321-4.1.1-unknown", (b"GET / HTTP/1.1\r\n",), OFFERED),
    ("5321-4.1.1-syntax", (HELLO, b"MAIL <a@b.example>\r\n", QUIT), OFFERED),
    ("5321-4.1.1-syntax", (*BEGUN, b"BDAT 2 LATE\r\nab", QUIT), OFFERED),
    ("5321-4.5.2-dots", content(b"one\r\n.two"), OFFERED),
    ("5321-4.5.2-dots", content(b".one"), OFFERED),
    ("5321-4.5.3.1.1-local-part", path(b"<%b@b.example>" % (b"x" * (LONGEST_LOCAL_PART + 1))), OFFERED),
    ("5321-4.5.3.1.3-path", path(b"<%b@%b.example>" % (b"a" * 60, b".".join([b"x" * 50] * 4))), OFFERED),
    ("5321-4.1.1.3-source-route", path(b"<@r.example:a@b.example>"), OFFERED),
    ("5321-3.3-blanks", path(b" <a@b.example>"), OFFERED),
    ("5321-4.1.2-brackets", path(b"a@b.example"), OFFERED),
    ("5321-4.1.2-no-domain", path(b"<a>"), OFFERED),
    ("5321-4.1.2-dots", path(b"<a..b@b.example>"), OFFERED),
    ("5321-4.1.2-colon", path(b"<a:b@b.example>"), OFFERED),
    ("5321-2.3.5-underscore", path(b"<a@b_c.example>"), OFFERED),
    ("5321-2.3.5-final-dot", path(b"<a@b.example.>"), OFFERED),
    ("5321-4.1.1.1-hello-name", (b"EHLO my_host\r\n", QUIT), OFFERED),
    ("5321-4.1.1.1-hello-words", (b"EHLO c.example at home\r\n", QUIT), OFFERED),
]


@pytest.mark.parametrize(("id", "steps", "policy"), CASES)
def test_a_dialogue_that_breaks_a_rule(id: str, steps: tuple[bytes, ...], policy: dict[str, Any]) -> None:
    assert broken(*steps, **policy) == [id]


def test_each_rule_is_in_the_document() -> None:
    rows = re.findall(r"(?m)^\| `(\d.*?)` \| (.*?) \| (.*?) \| (.*?) \|$", (ROOT / "docs" / "fussy.md").read_text())
    assert rows == [(rule.id, rule.level, rule.words, rule.instead) for rule in RULES.values()]


def test_each_rule_is_broken() -> None:
    assert {id for id, _, _ in CASES} == RULES.keys() - {"5321-4.3.1-before-greeting"}, "it has a test of its own, below"
    assert set(OF_TOLERANCES) == set(Tolerance) and set(OF_TOLERANCES.values()) <= RULES.keys()


def test_a_client_that_speaks_before_it_is_greeted() -> None:
    judged = Judged()
    judged.client.session.outgoing.extend(b"220 this has not left yet\r\n")
    judged.hold((HELLO, QUIT))
    assert judged.broken == ["5321-4.3.1-before-greeting"]


def test_one_of_which_somebody_else_has_seen_it() -> None:
    judged = Judged()
    session = judged.client.session
    assert isinstance(session, Overheard)
    session.hurried()
    judged.hold((QUIT,))
    assert judged.broken == ["5321-4.3.1-before-greeting"]


NOBODY = b"RCPT TO:<nobody@here>\r\n"
MAIL_8BIT = b"MAIL FROM:<a@b.example> BODY=8BITMIME\r\n"
MAIL_BINARY = b"MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n"
UNKNOWN = (HELLO, MAIL, NOBODY)
TALKS: list[tuple[bytes, ...]] = [
    SENT,
    (b"HELO c.example\r\n", MAIL, RCPT, DATA, TEXT, QUIT),
    (b"ehlo [192.0.2.1]\r\n", b"mail from:<>\r\n", b"rcpt to:<johndoe@here>\r\n", b"data\r\n", TEXT, b"quit\r\n"),
    (HELLO, MAIL + RCPT + RCPT + DATA, TEXT + QUIT),
    (HELLO, b"RSET\r\n" + MAIL + RCPT + DATA, TEXT + MAIL + RCPT + DATA, TEXT + QUIT),
    (HELLO, b"MAIL FROM:<a@b.example> SIZE=99999999\r\n" + RCPT + DATA, QUIT),
    (HELLO, MAIL + b"RCPT TO:<nobody@here>\r\n" + DATA, b"RSET\r\n", QUIT),
    (*BEGUN, b"BDAT 4\r\na\r\nb" + b"BDAT 4 LAST\r\nc\r\nd", QUIT),
    (*BEGUN, b"BDAT 4\r\n", b"a\r", b"\nb", b"BDAT 0 LAST\r\n", QUIT),
    (HELLO, b"MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n", RCPT, b"BDAT 4 LAST\r\n\n\r\xff\n", QUIT),
    (HELLO, b"MAIL FROM:<\xc3\xa9@b.example> SMTPUTF8 BODY=8BITMIME\r\n", RCPT, DATA, b"\xc3\xa9\r\n.\r\n", QUIT),
    (HELLO, b"MAIL FROM:<a@b.example> SMTPUTF8\r\n", b"RCPT TO:<johndoe@\xc3\xa9.example>\r\n", b"RSET\r\n", QUIT),
    (HELLO, "VRFY é SMTPUTF8\r\n".encode(), QUIT),
    (HELLO, b"MAIL FROM:<a@b.example> SIZE=5 AUTH=<>\r\n", RCPT, DATA, b"hello\r\n.\r\n", QUIT),
    (HELLO, b"MAIL FROM:<a@b.example> SIZE=12\r\n", RCPT, DATA, b"..\r\n" * 4 + b".\r\n", QUIT),
    # The end of the first message is refused, so the second MAIL is, too; a client that pipelines does not know yet.
    (*UNKNOWN, b"BDAT 2 LAST\r\nab" + MAIL_8BIT + RCPT + DATA, b"\xc3\xa9\r\n.\r\n", QUIT),
    (HELLO, MAIL_BINARY + NOBODY + b"BDAT 2 LAST\r\nab" + MAIL + RCPT + DATA, b"RSET\r\n", QUIT),
    (b"NOOP\r\n", b"VRFY johndoe\r\n", b"HELP\r\n", b"RSET\r\n", QUIT),
    (HELLO, HELLO, b"NOOP x y\r\n", QUIT),
    (*STARTTLS, HELLO, AUTH, MAIL, RCPT, DATA, TEXT, QUIT),
    (HELLO, b"AUTH LOGIN\r\n", b"am9obmRvZQ==\r\n", b"c2VjcmV0\r\n", MAIL, RCPT, DATA, TEXT, QUIT),
    (HELLO, b"AUTH PLAIN\r\n", b"*\r\n", QUIT),
    content(b"..dots\r\n...more\r\n" + b"x" * 998 + b"\r\n.." + b"y" * 997),
    (*BEGUN, DATA, b"x" * 500, b"y" * 498 + b"\r", b"\nz\r\n", b".", b"\r\n", QUIT),
    (*BEGUN, DATA, b".", b"\r\n", QUIT),
    (QUIT,),
]


PARAMETERS = (b"SIZE=5", b"BODY=7BIT", b"BODY=8BITMIME", b"BODY=BINARYMIME", b"SMTPUTF8", b"AUTH=<>")
"""Each parameter of MAIL that a server may offer."""


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_parameter_that_is_offered_is_lawful_and_one_that_is_not_is_not(parameter: bytes) -> None:
    mail = b"MAIL FROM:<a@b.example> %b\r\n" % parameter
    assert broken(HELLO, mail, QUIT) == []
    judged = Judged(authenticate=None, hidden=frozenset(EXTENSIONS))
    judged.hold((HELLO, mail, QUIT))
    assert "5321-4.1.1.11-not-offered" in judged.broken


def test_no_parameter_is_forgotten() -> None:
    assert {parameter.partition(b"=")[0] for parameter in PARAMETERS} == set(extensions._PARAMETERS)


@pytest.mark.parametrize("steps", TALKS)
def test_a_client_that_keeps_to_the_rfcs(steps: tuple[bytes, ...]) -> None:
    assert broken(*steps) == []


@pytest.mark.parametrize("steps", TALKS)
def test_a_client_that_keeps_to_them_octet_by_octet(steps: tuple[bytes, ...]) -> None:
    """The network may cut anything. Only a group of commands is then none any more: what comes later may be an answer."""
    cut = [bytes([octet]) for step in steps for octet in step if step != HANDSHAKE]
    assert HANDSHAKE in steps or broken(*cut) == []


def test_a_session_that_the_server_ends_is_not_the_clients_fault() -> None:
    for end, *arguments in (("time_out",), ("shut_down", True), ("break_down",)):
        judged = Judged()
        judged.hold((HELLO,))
        getattr(judged.client.session, str(end))(*arguments)
        assert judged.broken == []


def test_a_client_that_gives_up_in_the_handshake_cannot_say_quit() -> None:
    judged = Judged()
    judged.hold((HELLO, b"STARTTLS\r\n"))
    judged.client.session.hang_up()
    assert judged.broken == []


def test_a_chunk_that_is_refused_is_not_looked_at() -> None:
    steps = (HELLO, MAIL, b"RCPT TO:<nobody@here>\r\n" + b"BDAT 5 LAST\r\na\nb\rc", QUIT)
    assert broken(*steps) == []


def test_what_is_told() -> None:
    judged = Judged()
    judged.hold((HELLO, b"MAIL FROM:a@b.example\r\n", b"RCPT TO:johndoe@here\r\n", DATA, TEXT, b"AUTH\x0b secret\r\n", QUIT))
    (critic,) = judged.told
    assert (critic.name, critic.commands, critic.messages) == (b"c.example", 6, 1)
    brackets, unknown = critic.remarks
    assert (brackets.rule.id, brackets.times, brackets.example) == ("5321-4.1.2-brackets", 2, "MAIL FROM:a@b.example")
    assert (unknown.rule.id, unknown.times, unknown.example) == ("5321-4.1.1-unknown", 1, ""), "it may be a secret"
    assert brackets.rule.section == "RFC 5321 section 4.1.2"


def test_an_example_is_bounded() -> None:
    judged = Judged()
    judged.hold((HELLO, b"MAIL FROM:" + b"x" * 900 + b"\r\n", QUIT))
    assert len(judged.told[0].remarks[0].example) == LONGEST_EXAMPLE


def test_memory_is_bounded() -> None:
    judged = Judged()
    judged.hold((HELLO, *[b"x" * 60_000] * 20))
    session = judged.client.session
    assert isinstance(session, Overheard) and session._critic
    assert len(session._critic._incoming._bytes) < 13_000
    judged.hold((b"\r\n", MAIL, RCPT, DATA, *[b"y" * 60_000] * 20))
    assert session._critic._text
    assert len(session._critic._incoming._bytes) + len(session._critic._text._rest) < 2_000
    judged.hold((b"\r\n.\r\n", QUIT))
    assert judged.broken == ["5321-4.5.3.1.4-command-line", "5321-4.5.3.1.6-text-line"]


def test_a_bug_of_the_critics_costs_the_client_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = EsmtpClient(max_message_size=100_000, has_tls=True, authenticate=Checker(), authenticates_in_clear=True)
    wanted = [line for step in SENT for line in plain.send(step)]
    for name in ("moved", "caught_up"):
        broke: list[bool] = []
        with monkeypatch.context() as patch:
            patch.setattr(Critic, name, lambda *_: 1 / 0)
            judged = Judged(broke=partial(broke.append, True))
            assert judged.hold(SENT) == wanted
        assert broke == [True] and judged.told == []


@given(stream=STREAM, cuts=CUTS, offers_less=st.booleans())
def test_nothing_changes(stream: bytes, cuts: list[int], offers_less: bool) -> None:
    """Whatever comes, the replies and the mail are those of a session alone; and the critic keeps in step."""
    policy: dict[str, Any] = HIDDEN if offers_less else OFFERED
    judged = Judged(**policy)
    moves: list[object] = []
    alone = EsmtpClient(
        max_message_size=100_000, has_tls=True, authenticate=Checker(), authenticates_in_clear=True, follow=moves.append,
        **policy,
    )  # fmt: skip
    for piece in pieces_of(stream, cuts):
        assert judged.client.send(piece) == alone.send(piece)
        if alone.session.wants_tls:
            for client in (judged.client, alone):
                client.session.secured()
    assert judged.client.boxes == alone.boxes
    for client in (judged.client, alone):
        client.session.hang_up()
    assert len(judged.told) == 1


def test_others_may_follow_too() -> None:
    told: list[list[Move]] = []
    for open_session in (Session, partial(Overheard, tell=lambda critic: None, broke=fail)):
        moves: list[Move] = []
        client = EsmtpClient(follow=moves.append, open_session=open_session)
        for step in SENT:
            client.send(step)
        told.append(moves)
    plain, beside = told
    assert plain == beside and len(plain) > 5


def test_to_a_connection_it_looks_like_the_session() -> None:
    names = (
        "state",
        "outgoing",
        "interest",
        "is_finished",
        "wants_tls",
        "takes_input",
        "is_behind",
        "is_agreed",
        "patience",
        "farewell",
    )
    both = [EsmtpClient(has_tls=True), EsmtpClient(has_tls=True, open_session=partial(Overheard, tell=print, broke=fail))]
    for step in (HELLO, b"STARTTLS\r\n", HANDSHAKE, HELLO, MAIL, RCPT, DATA, TEXT, b"NOOP\r\n" * 60, QUIT):
        for client in both:
            client.session.secured() if step == HANDSHAKE else client.session.receive(step)
        plain, beside = ([getattr(client.session, name) for name in names] for client in both)
        assert plain == beside
        assert both[0].hear() == both[1].hear()


def test_the_ids_of_what_was_stored_are_told() -> None:
    judged = Judged()
    judged.hold((*BEGUN, RCPT.replace(b"johndoe", b"babydoe"), DATA, TEXT, SETTLES, MAIL, RCPT, DATA, TEXT, SETTLES, QUIT))
    assert judged.told[0].messages == len(set(judged.told[0].stored)) == len(judged.told[0].stored) == 2
