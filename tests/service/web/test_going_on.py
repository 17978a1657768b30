"""What was told to Prometheus once never becomes less, whenever the process that tells is killed; and deletions count."""

import os
import socket
from pathlib import Path

import pytest

pytest.importorskip("h11")
pytest.importorskip("prometheus_client")

from reactor.loop import Reactor
from service.page_settings import Settings
from service.snapshots import Row, datagrams
from service.web.monitoring import Monitoring


class Index:
    """An index of which nothing was heard yet."""

    standing = None
    restarts = 0
    deleted = 0


class World:
    """Descriptors that outlive the processes that tell figures. A worker's snapshots come through `worker`."""

    def __init__(self, directory: Path) -> None:
        self.worker, self._arriving = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._arriving.setblocking(False)
        self._memory = os.memfd_create("figures")
        self._directory = directory
        self.reactor = Reactor()

    def begin(self, index: Index | None = None) -> Monitoring:
        """As in a process that was just started."""
        metering = os.dup(self._arriving.fileno()), self._memory
        return Monitoring(self.reactor, Settings(str(self._directory), "mbox", (), metering=metering), index)

    def count(self, name: str, value: float) -> None:
        """A worker tells, and it is heard."""
        for datagram in datagrams(1, 1.0, [Row(name, (), value)]):
            self.worker.send(datagram)
        self.reactor.turn_within(1.0)
        self.reactor.turn()

    def close(self) -> None:
        self.reactor.close()
        self.worker.close()
        self._arriving.close()
        os.close(self._memory)


def lines(monitoring: Monitoring, name: str) -> list[str]:
    return [line for line in monitoring.watch.exposition().decode().splitlines() if line.startswith(name)]


def test_what_was_told_is_kept_before_the_next_second(tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.begin()
    world.count("messages", 7)
    before.answered(200)
    told = [lines(before, name) for name in ("carteiro_messages_accepted_total", "carteiro_page_requests_total")]
    assert told == [["carteiro_messages_accepted_total 7.0"], ['carteiro_page_requests_total{code="200"} 1.0']]
    before.close()
    after = world.begin()  # nothing more was heard
    assert [lines(after, name) for name in ("carteiro_messages_accepted_total", "carteiro_page_requests_total")] == told
    after.close()
    world.close()


def test_what_was_heard_is_kept_though_nobody_has_asked(tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.begin()
    world.count("messages", 7)
    before.close()
    after = world.begin()
    assert lines(after, "carteiro_messages_accepted_total") == ["carteiro_messages_accepted_total 7.0"]
    after.close()
    world.close()


def test_deletions_are_told_and_go_on(tmp_path: Path) -> None:
    world, index = World(tmp_path), Index()
    before = world.begin(index)
    index.deleted = 3
    assert lines(before, "carteiro_messages_deleted") == ["carteiro_messages_deleted_total 3.0"]
    before.close()
    index.deleted = 1  # in the process that comes after, which begins at 0
    after = world.begin(index)
    assert lines(after, "carteiro_messages_deleted") == ["carteiro_messages_deleted_total 4.0"]
    assert after.figures().deleted == 4
    after.close()
    world.close()
