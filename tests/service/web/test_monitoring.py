"""When the server is ready, and when not: what is said then."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client")

from protocol.esmtp.table import TABLE
from reactor.loop import Reactor
from service.metering import Metering
from service.page_settings import Settings
from service.snapshots import Row, datagrams
from service.web.monitoring import HEARD, INDEX_HEARD, MOST_LAG, Monitoring
from service.web.standing import Standing


class Index:
    """An index that stands as it is told."""

    restarts = 3
    deleted = 0
    standing: Standing | None = None


class World:
    """A monitoring, and the SMTP side's end of the sockets."""

    def __init__(self, directory: Path) -> None:
        self.metering = Metering(TABLE.closed)
        arriving, memory = self.metering.descriptors
        self.settings = Settings(str(directory), "mbox", (), metering=(os.dup(arriving), memory))
        self.reactor = Reactor()
        self.index = Index()
        self.monitoring = Monitoring(self.reactor, self.settings, self.index)

    def tell(self, number: int, *rows: Row) -> None:
        (datagram,) = datagrams(number, time.monotonic() - 100, rows or [Row("messages", (), 1)])
        self.send(datagram)

    def send(self, datagram: bytes) -> None:
        self.metering._snapshots._ours.send(datagram)
        self.reactor.turn_within(0)
        self.reactor.turn()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.monitoring.close()
    made.metering.close()
    made.reactor.close()


def trouble(world: World) -> str:
    return world.monitoring.watch.trouble()


def test_it_is_ready_when_all_are_heard_and_in_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trouble(world) == "the SMTP side was not heard yet"
    world.tell(0)
    assert trouble(world) == "the SMTP side was not heard yet", "the first process takes no mail, if there are others"
    world.tell(1)
    assert trouble(world) == "the index was not heard yet"
    now = time.monotonic()
    world.index.standing = Standing(now, MOST_LAG + 1, 1, 10, 5)
    assert trouble(world) == "the index is 16 s behind its mailboxes"
    world.index.standing = Standing(now - INDEX_HEARD - 1, 0.0, 0, 10, 5)
    assert trouble(world) == "the index was not heard for 16 s"
    world.index.standing = Standing(now, 0.0, 0, 10, 5)
    assert trouble(world) == ""
    monkeypatch.setattr("service.web.monitoring.HEARD", -1.0)
    assert trouble(world) == "the SMTP side was not heard for 0 s" and HEARD == 5


def test_what_is_no_snapshot_is_logged_and_costs_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for datagram in (b"nonsense", b"[1,2]"):
        world.send(datagram)
    world.tell(1, Row("messages", (), 4))
    assert caplog.messages == ["figures that cannot be read"] * 2
    figures = world.monitoring.figures()
    assert (figures.accepted, figures.accepted_size, figures.rejected, figures.uptime) == (4, 0, 0, 100)


def test_sums_that_nobody_can_read_begin_anew(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.monitoring._keepsake.keep(b"{}")
    arriving, memory = world.settings.metering
    other = Monitoring(world.reactor, world.settings._replace(metering=(os.dup(arriving), memory)))
    assert "figures begin anew" in caplog.text and other.figures().accepted == 0
    other.close()
