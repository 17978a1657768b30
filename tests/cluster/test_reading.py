"""The primary is killed while mail is fetched and exported, and a standby is promoted: what was under way fails in one line,
the next try works, and nothing is lost or twice.
"""

from collections.abc import Iterator
from contextlib import closing
from mailbox import Maildir
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the package psycopg is not installed: no cluster is tested", exc_type=ImportError)

from protocol.pop3.outside import Unopened
from storage.mailboxes.letter import Letter
from storage.mailboxes.maildir import MaildirMailboxes
from storage.stores.postgres import desk, export, hosts, letters
from storage.stores.postgres.desk import Away, Desk
from storage.stores.postgres.export import Export, Exported
from storage.stores.postgres.letters import Letters
from storage.stores.postgres.reader import PostgresReader

from ..kit.pop3_front_ends import FrontEnds
from ..kit.postgres_mail import Base
from .nodes import Cluster, Place

COUNT = 12


@pytest.fixture
def cluster(made: tuple[Place, Path]) -> Iterator[Cluster]:
    cluster = Cluster(*made)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def exported(reader: PostgresReader, place: Path) -> Exported:
    with closing(Export(reader, place, MaildirMailboxes)) as opened:
        return opened.run()


def test_a_failover_while_mail_is_fetched_and_exported(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(export, "BATCH_MESSAGES", 2)
    monkeypatch.setattr(letters, "AHEAD", 1)
    monkeypatch.setattr(desk, "PAUSE_SECONDS", 0.0)
    mail = Base(cluster.primary.conninfo)
    ids = [mail.put("ana", content=b"Subject: %d\r\n\r\ntext\r\n" % number) for number in range(COUNT)]
    mail.close()
    reader = PostgresReader(Desk(hosts.parse(cluster.conninfo)))
    front_ends = FrontEnds(cluster.conninfo, single="")
    box = front_ends.open(0)
    texts = [front_ends.fetched(box, index) for index in range(2)]
    first, found = cluster.primary, Letters.find

    def find(own: Letters, mailbox: str, id: str) -> Letter | None:
        """In the middle of the export, the primary is gone."""
        if id == ids[COUNT // 2] and first.is_running:
            first.kill()
        return found(own, mailbox, id)

    monkeypatch.setattr(Letters, "find", find)
    with pytest.raises(Away, match="database") as fault:
        exported(reader, tmp_path)
    assert "\n" not in str(fault.value)
    assert front_ends.fetched(box, 1) is None and front_ends.removed(box, 0) is False
    assert len(caplog.records) == 2 and all("\n" not in record.getMessage() for record in caplog.records)
    cluster.fail_over()
    assert front_ends.fetched(box, 1) == texts[1]
    assert front_ends.open(1) is Unopened.IN_USE, "the mailbox is locked on the new primary"
    assert front_ends.removed(box, 0) is True
    box.close()
    assert front_ends.open(1).entries == box.entries[1:], "unique ids and order stay"
    assert exported(reader, tmp_path).faults == []
    subjects = sorted(int(message["Subject"]) for message in Maildir(str(tmp_path / "ana")))
    assert subjects == list(range(COUNT))
    assert [id for _, id in reader.ids("ana", 1, 100)] == ids[1:]
    front_ends.close()
