"""The index over mailboxes in a database, on two front ends, each with a clerk at work on an index of its own."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'", exc_type=ImportError)

from inbox.index.catalogue import Catalogue, Selected
from inbox.index.clerk import Clerk, Told
from inbox.index.recording import Recorder
from inbox.mime.identity import identity
from service.kinds import POSTGRES, kind_of
from service.web import opener, opening
from service.web.indexed import IndexedInbox
from storage.files import IsLocked
from web.contract import Away, Page, Selection

from ...kit.asking import Asking
from ...kit.postgres import Postgres, eventually
from ...kit.postgres_mail import Base, base


class FrontEnd:
    """One of them."""

    def __init__(self, mail: Base, directory: Path) -> None:
        kind = kind_of(POSTGRES, mail.where, "single")
        directory.mkdir()
        self.told: list[Told] = []
        self.now = 1000.0
        reader = kind.reader(directory)
        self.recorder = Recorder(directory, reader)
        self.clerk = Clerk(self.recorder, reader, kind.remover(directory), IsLocked, self.told.append, lambda: self.now)
        self.catalogue = Catalogue(directory)

    def work(self) -> None:
        """A second passes, and then all is done that is to be done."""
        self.now += 2.0
        self.clerk.look_now()
        while not self.clerk.work():
            self.now += 0.01

    def subjects(self, sight: str | None = None, query: str | None = None) -> list[str]:
        return [row["Subject"] for row in self.catalogue.page(sight, Selected(query=query), 0, 50).rows]

    def close(self) -> None:
        self.catalogue.close()
        self.recorder.close()


@pytest.fixture
def mail(postgres_node: Postgres) -> Iterator[Base]:
    with base(postgres_node) as made:
        yield made


@pytest.fixture
def front_ends(mail: Base, tmp_path: Path) -> Iterator[list[FrontEnd]]:
    made = [FrontEnd(mail, tmp_path / name) for name in ("one", "two")]
    yield made
    for front_end in made:
        front_end.close()


def put(mail: Base, subject: str, *names: str) -> str:
    time.sleep(0.002)  # ids of a millisecond have no order
    return mail.put(*names, content=f"Subject: {subject}\r\n\r\ntext of {subject}\r\n".encode())


def test_what_comes_is_seen_on_every_front_end_and_what_is_deleted_on_one_goes(
    mail: Base, front_ends: list[FrontEnd]
) -> None:
    one, two = front_ends
    put(mail, "first", "ana", "bob")
    put(mail, "second", "ana")
    for front_end in front_ends:
        front_end.work()
        assert sorted(front_end.subjects()) == sorted(front_end.subjects("ana")) == ["first", "second"]
        assert front_end.subjects("bob") == front_end.subjects(query="first") == ["first"]
        assert sorted(come.mailbox for told in front_end.told for come in told.come) == ["ana", "ana", "bob"]
    put(mail, "third", "ana")
    (row,) = one.catalogue.page(None, Selected(query="subject:first"), 0, 5).rows
    assert row["Mailboxes"] == ["ana", "bob"]
    assert one.catalogue.delete(None, Selected([row["ID"]]), 0.0) == [row["ID"]]
    for front_end in front_ends:
        front_end.work()
        front_end.work()
        assert sorted(front_end.subjects()) == ["second", "third"] and front_end.subjects("bob") == []
    assert mail.ask("SELECT count(*) FROM message") == [(2,)]
    two.catalogue.delete("ana", Selected(), 60.0)
    two.work()
    assert two.subjects() == [] and mail.ask("SELECT count(*) FROM message") == [(2,)]
    two.catalogue.restore("ana", [row["ID"] for row in one.catalogue.page("ana", Selected(), 0, 5).rows])
    two.work()
    assert sorted(two.subjects()) == ["second", "third"], "that was taken back"


def test_while_the_database_is_away_the_index_is_there_and_goes_on_afterwards(
    mail: Base, front_ends: list[FrontEnd], caplog: pytest.LogCaptureFixture
) -> None:
    one, _ = front_ends
    put(mail, "first", "ana")
    one.work()
    for _ in range(2):
        with mail.cutting(locks="delivery"):
            one.work()
        assert one.subjects() == ["first"]
    assert [record.getMessage()[:34] for record in caplog.records] == ["the mailboxes cannot be looked at:"]
    put(mail, "second", "ana")
    one.work()
    assert sorted(one.subjects()) == ["first", "second"]


@contextmanager
def away(mail: Base) -> Iterator[None]:
    """Whoever has the role `visitor` is sent away meanwhile."""
    mail.ask("ALTER ROLE visitor NOLOGIN")
    mail.cut()
    try:
        yield
    finally:
        mail.ask("ALTER ROLE visitor LOGIN")


@pytest.fixture
def where(mail: Base) -> Iterator[str]:
    """The database, for that role."""
    mail.ask("CREATE ROLE visitor SUPERUSER LOGIN")
    yield mail.where.replace("user=postgres", "user=visitor")
    mail.ask("DROP ROLE visitor")


def test_a_message_that_cannot_be_read_now_is_away_and_not_gone(mail: Base, where: str, tmp_path: Path) -> None:
    """And is there again afterwards; lists go on meanwhile."""
    for name in ("first", "second"):
        put(mail, name, "ana")
    loop = Asking()
    inbox = IndexedInbox(loop.reactor, tmp_path, POSTGRES, (where, "single"))

    def page() -> Page:
        found: Page = loop.asked(lambda answer: inbox.page(None, Selection(), 0, 5, answer))
        return found

    try:
        eventually(lambda: len(page().rows) == 2)
        other, id = (row["ID"] for row in page().rows)
        for _ in range(2):
            eventually(lambda: loop.asked(partial(inbox.open, None, id)) != Away(is_database=True))
            assert loop.asked(partial(inbox.open, None, id))["Text"] == "text of first\n"
            with away(mail):
                assert loop.asked(partial(inbox.open, None, id))["Text"] == "text of first\n", "it is at hand still"
                assert loop.asked(partial(inbox.open, None, other)) == Away(is_database=True)
                assert loop.asked(partial(inbox.part, None, id, "0")) == Away(is_database=True)
                assert page().found == 2
        eventually(lambda: loop.asked(partial(inbox.octets, None, id)) != Away(is_database=True))
        assert loop.asked(partial(inbox.octets, None, id)).endswith(b"text of first\n")
        assert loop.asked(partial(inbox.open, None, "0" * 22)) is None
    finally:
        inbox.close()
        loop.reactor.close()


def test_a_database_that_stands_still_is_away_before_the_page_gives_up(
    mail: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert opening.FETCHING < opener.PATIENCE
    monkeypatch.setattr(opening, "FETCHING", 0.1)
    before = signal.signal(signal.SIGALRM, opening.is_too_slow)
    id = put(mail, "first", "ana")
    reader = kind_of(POSTGRES, mail.where, "single").reader(tmp_path)
    reader.states()  # who reads gives the numbers
    octets = reader.read("ana", id) or b""
    request = {"what": "octets", "id": identity(octets), "places": [["ana", id]]}
    try:
        with mail.connect() as connection, connection.transaction():
            connection.execute("LOCK TABLE message")
            assert opening.Opening(reader).answer(request) == ({"status": "away"}, b"")
        monkeypatch.undo()
        assert opening.Opening(reader).answer(request) == ({"status": "ok"}, octets)
    finally:
        signal.signal(signal.SIGALRM, before)
