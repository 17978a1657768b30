"""Mailboxes in a real PostgreSQL are read, numbered and rid of messages, by several front ends at once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'", exc_type=ImportError)

from storage.mailboxes.letter import Letter
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.reader import MaildirReader
from storage.stores.postgres import desk as desks
from storage.stores.postgres import hosts, reader, schema
from storage.stores.postgres.desk import Away, Desk
from storage.stores.postgres.direct import Direct
from storage.stores.postgres.reader import PostgresReader, PostgresRemover

from ....kit.postgres import Postgres, eventually
from ....kit.postgres_mail import TRACE, Base, base, together


@pytest.fixture
def mail(postgres_node: Postgres) -> Iterator[Base]:
    with base(postgres_node) as made:
        yield made


LINES = b"".join(b"line %d\r\n" % number for number in range(60_000))


@pytest.mark.parametrize("piece", [0, 1 << 18], ids=["whole", "pieces"])
@pytest.mark.parametrize("verbatim", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize(
    "content", [b"Subject: x\r\n\r\ntext\r\n", b"no header\r\n", b"", b"From y\r\nA: b\r\n\r\n" + LINES]
)
def test_a_message_reads_as_a_maildir_has_it(mail: Base, tmp_path: Path, content: bytes, verbatim: bool, piece: int) -> None:
    id = mail.put("ana", content=content, path=b'a@b, "c, d"@b', verbatim=verbatim, piece=piece)
    found = mail.reader()
    assert [entry.place for entry in found.entries("ana")] == [] and found.complete("ana")
    assert [entry.place for entry in found.entries("ana")] == [id]
    (tmp_path / "mail").mkdir()
    files = MaildirReader(tmp_path / "mail")
    boxes = MaildirMailboxes(files._files, files._directory, tmp_path / "mail")
    paths = (b"a@b", b'"c, d"@b')
    opened = boxes.open("ana")
    for _ in opened.append(
        [Letter(id, 1.0, b"from@b", paths, TRACE % id.encode(), lambda: iter([content]), False, verbatim)]
    ):
        pass
    opened.close()
    (entry,) = files.entries("ana")
    assert found.read("ana", id) == files.read("ana", entry.place)
    assert max(map(len, found.pieces("ana", id))) <= 128 * 1024


def test_what_is_not_there_is_no_error(mail: Base) -> None:
    found = mail.reader()
    id = mail.put("ana")
    assert [found.state("bob"), found.complete("bob"), found.news("bob", ""), found.read("bob", id)] == [None] * 4
    assert list(found.entries("bob")) == [] and found.read("ana", "../x") is None and found.hold("bob")
    found.complete("ana")
    mail.ask("DELETE FROM message WHERE id = %s", id)
    assert found.read("ana", id) is None, "its partition was dropped"


def test_a_large_message_that_lacks_a_piece_is_not_taken_for_whole(mail: Base) -> None:
    id = mail.put("ana", content=LINES, piece=1 << 18)
    found = mail.reader()
    found.complete("ana")
    mail.ask("DELETE FROM piece WHERE n = 1")
    with pytest.raises(Away, match="not there any more"):
        found.read("ana", id)


def test_uids_are_given_once_while_many_read_and_many_deliver(mail: Base) -> None:
    """Two front ends deliver, three number, one of them by looking at all mailboxes; nobody ever sees another order."""
    seen: list[list[str]] = []
    is_over: list[bool] = []

    def deliver() -> None:
        with mail.connect() as connection:
            for number in range(60):
                mail.put("ana", *["bob"] * (number % 3 == 0), connection=connection)

    def read(is_polling: bool) -> None:
        found = mail.reader()
        while len(is_over) < 2:
            _ = found.states() if is_polling else found.complete("ana")
            seen.append([id for _, id in found.ids("ana", 1, 1000)])

    def delivered() -> None:
        deliver()
        is_over.append(True)

    mail.put("ana")
    together(delivered, delivered, lambda: read(True), lambda: read(False), lambda: read(False))
    found = mail.reader()
    found.complete("ana"), found.complete("bob")
    last = list(found.ids("ana", 1, 1000))
    assert [uid for uid, _ in last] == list(range(1, 122)), "there is no gap"
    assert len(list(found.ids("bob", 1, 1000))) == 40
    assert len({len(ids) for ids in seen}) > 2, "somebody looked meanwhile"
    assert all(ids == [id for _, id in last][: len(ids)] for ids in seen)


@pytest.mark.parametrize("newest_first", [False, True])
def test_messages_that_are_read_in_order_come_many_at_once(mail: Base, newest_first: bool) -> None:
    """Some of them are large, and some are gone meanwhile; each is the right one."""
    ids = [mail.put("ana", content=b"%d" % number + LINES * (number % 30 == 9)) for number in range(100)]
    found = mail.reader()
    found.complete("ana")
    mail.ask("DELETE FROM delivery WHERE message = ANY (%s)", ids[40:48])
    due = [number for number in range(100) if not 40 <= number < 48]
    places = [entry.place for entry in found.entries("ana", newest_first)]
    asked: list[str] = []
    turn = found.letters._turn

    @contextmanager
    def counted() -> Iterator[Direct]:
        asked.append("")
        with turn() as database:
            yield database

    found.letters._turn = counted
    texts = [(found.read("ana", place) or b"").partition(b"\n\n")[2] for place in places]
    assert [int(text.partition(b"line")[0]) for text in texts] == (due[::-1] if newest_first else due)
    assert len(asked) < 15
    for number in (70, 3, 71, 4):
        assert (found.read("ana", ids[number]) or b"").endswith(b"\n\n%d" % number)
    assert found.read("ana", ids[41]) is None


def test_long_lists_come_in_parts(mail: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LISTED", 3)
    monkeypatch.setattr(reader, "AT_ONCE", 2)
    ids = [mail.put("ana") for _ in range(7)]
    found = mail.reader()
    found.complete("ana")
    assert [entry.place for entry in found.entries("ana")] == ids
    assert [entry.place for entry in found.entries("ana", newest_first=True)] == ids[::-1]
    assert PostgresRemover(mail.desk()).remove("ana", ids, lambda _: True) == 7
    assert mail.ask("SELECT count(*) FROM message") == [(0,)]


def test_news_tell_what_came_and_whether_more_has_changed(mail: Base) -> None:
    found = mail.reader()
    first = mail.put("ana", "bob")
    before = found.states()["ana"]
    assert found.news("ana", before) == ([], before, True) == found.news("ana", found.state("ana") or "")
    second = mail.put("ana")
    now = found.complete("ana")
    news = found.news("ana", before)
    assert news and now and [entry.place for entry in news.entries] == [second] and news.is_all and news.state == now
    assert [entry.place for entry in (found.news("ana", "") or ([],))[0]] == [first, second]
    mail.ask("DELETE FROM delivery WHERE message = %s", first)  # as the store does that takes a message back
    news = found.news("ana", now)
    assert news and not news.is_all and found.state("bob") != now
    timeline, _, rest = now.partition(".")
    after_a_failover = found.news("ana", f"{int(timeline) + 1}.{rest}")
    assert after_a_failover and not after_a_failover.is_all
    assert found.news("ana", "1.1.1.0") is None, "another uidvalidity"
    mail.ask("UPDATE mailbox SET uidnext = 1000 WHERE name = 'ana'")
    assert found.news("ana", "") is None, "this is much"


def test_one_session_holds_a_mailbox_and_holds_it_again(mail: Base) -> None:
    one, other = mail.reader(), mail.reader()
    mail.put("ana")
    one.complete("ana")
    assert one.hold("ana") and not other.hold("ana")
    one.close()
    assert other.hold("ana") and not one.hold("ana")
    mail.cut()
    assert len(list(other.entries("ana"))) == 1, "the lock is taken again"
    assert not one.hold("ana")
    mail.cut()
    assert one.hold("ana")
    for _ in range(2):
        with pytest.raises(Away, match="somebody else has the mailbox"):
            list(other.entries("ana"))
    other.close()
    assert not mail.reader().hold("ana")


def test_an_answer_that_does_not_come_is_a_fault_and_the_next_question_is_answered(mail: Base) -> None:
    found = mail.reader()
    id = mail.put("ana")
    found.complete("ana")
    with mail.cutting(), pytest.raises(Away, match="database 127"):
        found.read("ana", id)
    assert found.read("ana", id)


def test_only_what_is_meant_is_removed_and_content_with_its_last_delivery(mail: Base) -> None:
    one, two = mail.put("ana", "bob", content=b"one\r\n"), mail.put("ana", content=LINES, piece=1 << 18)
    three = mail.put("ana")
    remover = PostgresRemover(mail.desk())
    before = remover.complete("ana")
    assert remover.remove("ana", [one, two, three], lambda octets: b"\none\n" in octets or b"line 9" in octets) == 2
    assert remover.remove("ana", [one, two], lambda _: True) == 0
    assert remover.complete("ana") != before
    assert sorted(mail.ask("SELECT id::text FROM message")) == sorted([(one,), (three,)])
    assert mail.ask("SELECT count(*) FROM piece") == [(0,)]
    remover.complete("bob")
    assert remover.remove("bob", [one], lambda _: True) == 1
    assert mail.ask("SELECT id::text FROM message") == [(three,)]


def test_two_who_remove_the_last_deliveries_leave_no_content(mail: Base) -> None:
    ids = [mail.put("ana", "bob") for _ in range(12)]
    removers = {name: PostgresRemover(mail.desk()) for name in ("ana", "bob")}
    for name, remover in removers.items():
        remover.complete(name)

    def remove(name: str) -> None:
        assert sum(removers[name].remove(name, [id], lambda _: True) for id in ids) == 12

    together(lambda: remove("ana"), lambda: remove("bob"))
    assert mail.ask("SELECT count(*) FROM message") == [(0,)]


def test_a_removal_that_one_disk_has_is_not_told_as_done(mail: Base) -> None:
    """The wait for a standby is cancelled: PostgreSQL says that it is done, with a warning."""
    id = mail.put("ana")
    remover = PostgresRemover(mail.desk())
    remover.complete("ana")
    waits = (
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"
    )
    mail.ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    mail.ask("SELECT pg_reload_conf()")
    try:
        eventually(lambda: mail.ask("SHOW synchronous_standby_names") == [("nobody",)])

        is_over: list[bool] = []

        def remove() -> None:
            for _ in range(2):  # what is gone on one disk already is not told either
                with pytest.raises(Away, match="cancel"):
                    remover.remove("ana", [id], lambda _: True)
                    remover._remove("ana", [id])
            is_over.append(True)

        def cancel() -> None:
            eventually(lambda: (mail.ask(waits), is_over)[1], 30)

        together(remove, cancel)
    finally:
        mail.ask("ALTER SYSTEM RESET synchronous_standby_names")
        mail.ask("SELECT pg_reload_conf()")
    assert mail.ask("SELECT count(*) FROM delivery") == [(0,)]


def test_a_primary_that_is_away_is_said_in_one_line_and_asked_again(mail: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(hosts.parse("host=127.0.0.1 port=1 dbname=x"), True)
    for _ in range(2):
        with pytest.raises(OSError, match="no primary answers") as fault:
            PostgresReader(desk).state("ana")
        assert "\n" not in str(fault.value)
    monkeypatch.setattr(desks, "PAUSE_SECONDS", 0.0)
    desk = mail.desk()
    desk._timeline = 7
    with pytest.raises(Away, match="old primary, on timeline 1"):
        PostgresReader(desk).state("ana")
    with pytest.raises(Away, match="no synchronous standbys"):
        PostgresReader(Desk(mail.hosts)).state("ana")
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with pytest.raises(Away, match="--database-init"):
        mail.reader().state("ana")


def test_a_statement_that_takes_too_long_is_ended(mail: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's process would go on, and keep its locks; it is ended when the next connection is there."""
    monkeypatch.setattr(desks, "PATIENCE_SECONDS", 0.3)
    found = mail.reader()
    with pytest.raises(Away, match="no answer in time"), found._turn() as database:
        database.ask("SELECT pg_sleep(60)")
    found.states()
    sleeps = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND application_name = 'carteiro'"
    eventually(lambda: mail.ask(sleeps) == [(0,)])


def test_tables_of_the_first_version_are_migrated_with_their_mail(
    postgres_node: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_node.ask("CREATE DATABASE first")
    where = hosts.parse(postgres_node.database.replace("dbname=postgres", "dbname=first"))
    every = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", every[:1])
    monkeypatch.setattr(schema, "VERSION", 1)
    assert "made from version 0" in schema.make(where)
    found = schema.primary(where)
    assert found
    found[0].ask("INSERT INTO mailbox (name) VALUES ('ana')")
    found[0].ask("INSERT INTO message (id, reverse_path, size, raw) VALUES (gen_random_uuid(), '', 3, 'x')")
    found[0].ask(
        "INSERT INTO delivery (message, mailbox, forward_path) SELECT message.id, mailbox.id, '' FROM message, mailbox"
    )
    found[0].close()
    monkeypatch.undo()
    assert "made from version 1" in schema.make(where, time.time()) and "there already" in schema.make(where)
    opened = PostgresReader(Desk(where, True))
    assert opened.complete("ana") and [opened.read("ana", entry.place) for entry in opened.entries("ana")] == [
        b"Return-Path: <>\n\nx"
    ]
    assert schema.mailboxes(where) == ["ana"]
