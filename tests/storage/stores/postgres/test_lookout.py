"""A primary that stands still is left as soon as another host says that it is the primary, and not before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")

from typing import Any

from storage.stores.postgres import hosts
from storage.stores.postgres.lookout import LOOKOUT_SECONDS
from storage.stores.postgres.store import PostgresStore

from ....kit import cluster
from .world import World


class Three(World):
    """Three hosts, the first one primary; each is a cluster of its own, in memory. Others get what is safe on the first."""

    def __init__(self, database: str = "host=10.0.0.1,10.0.0.2,10.0.0.3") -> None:
        self.moved: int | None = None
        """Where all addresses lead, if not each to its own host."""
        self.nodes = [cluster.Cluster() for _ in range(3)]
        for node in self.nodes[1:]:
            node.is_standby = True
        self.dialled = [0, 0, 0]
        super().__init__(database)
        self.cluster = self.nodes[0]
        self.loop.run(1)
        assert isinstance(self.store, PostgresStore) and self.links_of(0) == 3

    def _set_up(self, *known: Any) -> Any:
        return super()._set_up(*known)._replace(connect=self._connect)

    def _connect(self, conninfo: bytes) -> Any:
        place = int(hosts_of(conninfo)) - 1 if self.moved is None else self.moved
        self.dialled[place] += 1
        return self.nodes[place].connect(conninfo)

    def links_of(self, number: int) -> int:
        """How many connections to a node are open."""
        return sum(not connection.is_finished for connection in self.nodes[number].connections)

    def freeze(self, number: int = 0) -> None:
        """The primary answers nothing more, and accepts no connection in time."""
        self.nodes[number].plan = ["wait"] * 10_000
        self.nodes[number].is_frozen = True

    def promote(self, number: int, old: int = 0) -> None:
        """This one becomes primary, with what the old one had made safe."""
        before, self.cluster = self.nodes[old], self.nodes[number]
        self.cluster.is_standby = self.cluster.is_frozen = False
        self.cluster.plan.clear()
        self.cluster.timeline = before.timeline + 1
        self.cluster.local, self.cluster.safe = before.copy(safe=True), before.copy(safe=True)


def hosts_of(conninfo: bytes) -> str:
    """The last digit of the address."""
    return next(word for word in conninfo.decode().split() if word.startswith("host='")).rstrip("'")[-1]


def test_an_old_primary_that_stands_still_is_left_when_another_one_says_so() -> None:
    world = Three()
    world.send(b"before")
    world.loop.run(1)
    world.freeze()
    world.send(b"a")
    world.loop.run(4)
    assert b"a" not in world.answers and world.links_of(0) == 3
    world.promote(2)
    for _ in range(25):
        world.loop.turn(0.1)
        assert world.store._hosts._standing <= 3, "a link that only asks is used"
    assert world.answers == {b"before": "stored", b"a": "stored"} and world.links_of(0) == 0
    world.check()
    assert world.store._hosts.failovers == 1


def test_a_slow_primary_is_not_left_while_nobody_else_is_one() -> None:
    """To give it up would make it slower yet."""
    world = Three()
    before = world.dialled[0]
    world.nodes[0].plan = ["wait"]
    world.send(b"a")
    world.loop.run(9)
    assert world.dialled[0] == before and world.links_of(0) == 3
    assert min(world.dialled[1:]) > 4, "nobody looked out"
    world.nodes[0].safe = world.nodes[0].copy()
    for connection in world.nodes[0].connections:
        connection.answers_late()
    world.loop.run(2)
    assert world.answers == {b"a": "stored"} and world.dialled[0] == before
    world.check()
    seen = list(world.dialled)
    world.loop.run(5)
    assert world.dialled == seen, "it looks out for ever"


@pytest.mark.parametrize("moves", [True, False])
def test_one_address_that_moves_to_the_new_primary_is_asked_itself(moves: bool) -> None:
    """Else it costs the whole silence of a link, as for an address that stays with the host that stands still."""
    world = Three("host=10.0.0.1")
    world.freeze()
    world.send(b"a")
    world.loop.run(4)
    assert world.dialled[0] > 3, "it was not asked"
    world.promote(1)
    world.moved = 1 if moves else None
    world.loop.run(3)
    assert world.answers == ({b"a": "stored"} if moves else {})
    world.moved = 1
    world.loop.run(10)
    assert world.answers == {b"a": "stored"} and world.store._hosts.failovers == 1
    world.check()


def test_one_slow_host_is_not_left() -> None:
    world = Three("host=10.0.0.1")
    world.nodes[0].plan = ["wait"]
    world.send(b"a")
    world.loop.run(9)
    used = [link.connection for link in world.store._links]
    world.nodes[0].safe = world.nodes[0].copy()
    for connection in world.nodes[0].connections:
        connection.answers_late()
    world.loop.run(2)
    assert world.answers == {b"a": "stored"} and [link.connection for link in world.store._links] == used
    world.check()
    seen = world.dialled[0]
    world.loop.run(5)
    assert world.dialled[0] == seen, "it looks out for ever"


def test_all_is_asked_before_the_new_one_is_used() -> None:
    """It may be an old one itself: the third host is on a higher timeline, and says so later."""
    world = Three()
    world.freeze()
    world.send(b"a")
    world.loop.run(LOOKOUT_SECONDS)
    world.promote(1)
    world.promote(2)
    world.nodes[2].timeline += 1
    world.nodes[2].is_frozen = True
    world.loop.run(1.5)
    assert world.store._hosts.timeline == 2 and world.answers == {}
    world.nodes[2].is_frozen = False
    world.loop.run(4)
    assert world.answers == {b"a": "stored"} and world.nodes[1].transactions == []
    world.check()


@pytest.mark.parametrize("number", [1, 2])
def test_any_call_to_the_others_may_fail(number: int) -> None:
    for fails_at in range(1, 24, 2):
        world = Three()
        world.send(b"a")
        world.freeze()
        world.nodes[number].fails_at = world.nodes[number].calls + fails_at
        world.loop.run(2.5)
        world.promote(2)
        world.loop.run(6, 0.2)
        assert world.answers == {b"a": "stored"} and world.nodes[number].calls > fails_at
        world.check()


def test_with_the_store_the_lookout_ends() -> None:
    world = Three()
    world.freeze()
    world.send(b"a")
    world.loop.run(3)
    world.store.close()
    assert [world.links_of(number) for number in range(3)] == [0, 0, 0]
    assert hosts.NOT_ALL_ASKED in hosts.NO_FAULTS


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 3)),
        st.tuples(st.just("run"), st.sampled_from([0.2, 1.5, 4, 12])),
        st.tuples(st.just("plan"), st.sampled_from(["wait", "warn", "lost", "gone"])),
        st.tuples(st.sampled_from(["freeze", "fail over", "thaw"]), st.just(0)),
    ),
    max_size=15,
)


@given(STEPS)
def test_whatever_hosts_do_what_was_promised_is_there_once(steps: "list[tuple[str, float | str]]") -> None:
    """Primaries stand still, come back, and are followed by others, again and again. An old one has no quorum."""
    world = Three()
    sent = number = 0
    for what, value in steps:
        if what == "send":
            for _ in range(int(value)):
                sent += 1
                world.send(b"%d" % sent)
        elif what == "run":
            world.loop.run(float(value), 0.1 if float(value) < 5 else 0.5)
        elif what == "plan":
            world.cluster.plan.insert(0, str(value))
        elif what == "freeze":
            world.freeze(number)
        elif what == "thaw":
            world.nodes[number].is_frozen = False
            world.nodes[number].plan.clear()
        else:
            old, number = number, (number + 1) % 3
            world.promote(number, old)
            world.nodes[old].plan = ["wait"] * 10_000
        world.check()
    world.cluster.is_frozen = False
    world.cluster.plan.clear()
    world.loop.run(75, 0.5)
    world.loop.run(2)
    world.check()
    world.check_refused()
    assert len(world.answers) == sent and world.store.condition == (0, 0, 0, 0)


def test_an_outage_of_all_hosts_is_said_once_of_each(caplog: pytest.LogCaptureFixture) -> None:
    world = Three()
    for node in world.nodes:
        node.is_down = True
        for connection in node.connections:
            connection.breaks()
    world.loop.run(60)
    said = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert {line.split()[1] for line in said} == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert len(said) == 3 * 3, "each of three links says it once of each host"
