"""What is taken back: by turns with what waits, after a rest when that fails, and at the end over its own connection."""

import tempfile
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")

from storage.stores.postgres import hosts, ids, schema, withdrawals
from storage.stores.postgres.answers import Outcome, Verdict
from storage.stores.postgres.withdrawals import Withdrawals

from ....kit.postgres import postgres


def test_others_that_wait_come_every_other_time_and_a_failure_makes_it_rest() -> None:
    listed = Withdrawals()
    assert not listed.is_due(others_wait=False)
    listed.add(ids.new(1.0))
    assert sorted([listed.is_due(True), listed.is_due(True)]) == [False, True]
    work = listed.work()
    assert len(listed) == 0
    work.done(Outcome(Verdict.FULL))
    assert len(listed) == 1 and not listed.is_due(False)
    listed.wake()
    assert listed.is_due(False)
    listed.work().done(Outcome(Verdict.CLEAN))
    assert (len(listed), listed.made) == (0, 1)


def test_the_list_is_bounded(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(withdrawals, "MOST", 10)
    listed, first = Withdrawals(), ids.new(1.0)
    for id in (first, *(ids.new(2.0) for _ in range(10))):
        listed.add(id)
    assert len(listed) == 10 and ids.text(first) in caplog.text


def test_at_the_end_it_is_done_over_a_connection_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    kept, refused, never_there = ids.new(1e9), ids.new(1e9), ids.new(1e9)
    with tempfile.TemporaryDirectory() as directory, postgres(Path(directory)) as server:
        cluster = hosts.parse(server.database)
        schema.make(cluster)
        for id in map(ids.text, (kept, refused)):
            server.ask(f"INSERT INTO message (id, reverse_path, size) VALUES ('{id}', '', 0)")
            server.ask(f"INSERT INTO delivery (message, mailbox, forward_path) VALUES ('{id}', 1, '')")
            server.ask(f"INSERT INTO piece VALUES ('{id}', 0, '')")
        listed = Withdrawals()
        listed.add(refused)
        listed.add(never_there)
        listed.finish(cluster[0])
        for name in ("id FROM message", "message FROM delivery", "message FROM piece"):
            assert server.ask(f"SELECT {name}") == [ids.text(kept)]
        server.stop()
        listed.finish(cluster[0])
    assert "2 refused messages may be in their mailboxes" in caplog.text
