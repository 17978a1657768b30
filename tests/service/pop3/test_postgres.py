"""Mailboxes in a database, locked for sessions of POP3 on several front ends."""

from collections.abc import Iterator

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'", exc_type=ImportError)

from protocol.pop3.outside import Message, Unopened

from ...kit.pop3_front_ends import FrontEnds
from ...kit.postgres import Postgres
from ...kit.postgres_mail import Base, base

LARGE = b"Subject: large\r\n\r\n" + b"a line of text\r\n" * 100_000


@pytest.fixture
def world(postgres_node: Postgres) -> Iterator[tuple[Base, FrontEnds]]:
    with base(postgres_node) as mail:
        front_ends = FrontEnds(mail.where)
        yield mail, front_ends
        front_ends.close()


def test_a_mailbox_is_the_same_on_every_front_end_and_locked_on_all(world: tuple[Base, FrontEnds]) -> None:
    mail, front_ends = world
    mail.put("ana", "bob")
    mail.put("ana", content=LARGE, piece=1 << 18)
    box = front_ends.open(0)
    octets = [front_ends.fetched(box, index) or b"" for index in range(2)]
    assert [entry.size for entry in box.entries] == [len(text) + text.count(b"\n") for text in octets]
    assert octets[1].endswith(LARGE.replace(b"\r\n", b"\n"))
    assert front_ends.open(0) is front_ends.open(1) is Unopened.IN_USE
    assert len(front_ends.open(1, b"bob").entries) == 1 and front_ends.open(1, b"nobody").entries == ()
    box.close()
    other = front_ends.open(1)
    assert other.entries == box.entries
    mail.put("ana")
    assert front_ends.removed(other, 0) is True
    other.close()
    last = front_ends.open(0)
    assert last.entries[0] == box.entries[1] and len(last.entries) == 2
    assert mail.ask("SELECT count(*) FROM message") == [(3,)], "the one that was removed has another mailbox, too"


def test_a_session_outlives_a_lost_connection(world: tuple[Base, FrontEnds], caplog: pytest.LogCaptureFixture) -> None:
    """What was asked then fails, in one line; the next try works, and the mailbox is locked again."""
    mail, front_ends = world
    mail.put("ana")
    mail.put("ana")
    box = front_ends.open(0)
    with mail.cutting():
        assert front_ends.fetched(box, 0) is None
    assert front_ends.fetched(box, 0) is not None
    assert front_ends.open(1) is Unopened.IN_USE
    with mail.cutting():
        assert front_ends.removed(box, 0) is False
    assert mail.ask("SELECT count(*) FROM message") == [(2,)]
    assert front_ends.removed(box, 0) is True
    assert mail.ask("SELECT count(*) FROM message") == [(1,)]
    assert all(record.levelname == "ERROR" and "\n" not in record.getMessage() for record in caplog.records)


def test_a_client_that_does_not_read_holds_up_nobody(world: tuple[Base, FrontEnds]) -> None:
    """All sessions of a front end share one connection to the database. None keeps it while its client takes its time."""
    mail, front_ends = world
    for name in ("ana", "bob"):
        mail.put(name, content=LARGE, piece=1 << 18)
    slow, quick = front_ends.open(0), front_ends.open(0, b"bob")
    begun: Message = front_ends.asked(lambda answer: slow.fetch(0, answer))
    first = front_ends.asked(begun.read)
    assert front_ends.fetched(quick, 0) is not None and front_ends.removed(quick, 0) is True
    quick.close()
    assert (
        front_ends.open(0, b"bob").entries == ()
        and mail.ask(
            "SELECT pid FROM pg_locks WHERE relation IS NOT NULL AND"
            " pid IN (SELECT pid FROM pg_stat_activity WHERE application_name = 'carteiro')"
        )
        == []
    )
    rest = [first]
    while piece := front_ends.asked(begun.read):
        rest.append(piece)
    assert b"".join(rest) == front_ends.fetched(slow, 0) and len(rest) > 5
