"""What a 250 promises, on a cluster that answers in every way that PostgreSQL does, and fails at every call."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")

from storage.stores.postgres import large
from storage.stores.postgres import store as store_module

from .world import World


def stored(world: World, *tokens: bytes) -> None:
    world.check()
    assert [world.answers.get(token) for token in tokens] == ["stored"] * len(tokens)


def test_messages_that_wait_are_one_transaction() -> None:
    world = World()
    for number in range(10):
        world.send(b"%d" % number)
    world.loop.run(1)
    stored(world, *(b"%d" % number for number in range(10)))
    assert world.cluster.transactions == [["mailboxes", "messages", "deliveries"]]


def test_a_group_is_one_round_trip_and_waits_for_no_other_turn() -> None:
    """It goes in the turn in which it ended, with one sync; clients hear of it in the turn that reads the answer."""
    world = World()
    world.loop.run(1)
    syncs: list[int] = []
    for number, connection in enumerate(world.cluster.connections):
        connection.pipeline_sync = counting(connection.pipeline_sync, syncs, number)  # type: ignore[method-assign]
    for group in range(1, 6):
        for number in range(3):
            world.send(b"%d.%d" % (group, number))
        world.loop.turn()
        assert len(world.cluster.transactions) == len(syncs) == group
        assert len(world.answers) == 3 * (group - 1), "those of the group before, and no other"
    world.loop.turn()
    stored(world, *(b"%d.%d" % (group, number) for group in range(1, 6) for number in range(3)))
    assert len(world.cluster.transactions) == len(syncs) == 5


def counting(call: Callable[[], None], calls: list[int], number: int) -> Callable[[], None]:
    """The same call, which is written down."""

    def counted() -> None:
        calls.append(number)
        call()

    return counted


def test_a_commit_that_waits_is_not_answered_before_its_sync() -> None:
    """The statements are answered early, and that says nothing."""
    world = World()
    world.cluster.plan = ["wait"]
    world.send(b"a")
    world.loop.run(9)
    assert world.answers == {} and world.cluster.local and not world.cluster.safe
    world.loop.run(5)
    stored(world, b"a")


@pytest.mark.parametrize("word", ["warn", "lost", "gone", "wait"])
def test_what_is_in_doubt_is_sent_again_until_a_standby_has_it(word: str) -> None:
    """In whatever language it warns."""
    world = World()
    world.cluster.plan = [word, "wait"]
    world.send(b"a")
    world.loop.run(40)
    stored(world, b"a")
    world.cluster.fail_over()
    world.loop.run(3)
    stored(world, b"a")


def test_a_connection_that_is_given_up_leaves_no_process_behind() -> None:
    """It would wait for a standby for ever."""
    world = World()
    world.cluster.plan = ["wait"] * 4
    world.send(b"a")
    world.loop.run(50)
    assert world.cluster.ended == 4
    stored(world, b"a")


def test_a_retry_that_is_answered_was_waited_for() -> None:
    """A retry that writes nothing is answered while no standby has the row."""
    world = World()
    world.cluster.plan = ["warn", *["wait"] * 5]
    world.send(b"a")
    world.loop.run(15)
    assert world.answers == {}
    world.loop.run(40)
    stored(world, b"a")


@pytest.mark.parametrize("words", [["wait"] * 50, ["lost", *["wait"] * 50], ["warn"] * 2000])
def test_who_waits_too_long_is_told_so_and_what_is_there_is_taken_back(words: list[str]) -> None:
    world = World()
    world.cluster.plan = [*words]
    world.send(b"a")
    world.loop.run(59)
    assert world.answers == {} and world.cluster.local
    world.loop.run(3)
    assert world.answers == {b"a": "for now"}
    world.cluster.plan = []
    world.loop.run(30)
    world.check_refused()
    assert not world.cluster.local and not world.cluster.safe


def test_nobody_waits_while_nobody_was_answered_for_long() -> None:
    world = World()
    world.cluster.is_down = True
    world.loop.run(61)
    fault = world.store.refusal()
    assert fault and fault.kind == "for now"
    world.send(b"a")
    world.loop.turn()
    assert world.answers == {b"a": "for now"}
    world.cluster.is_down = False
    world.loop.run(5)
    assert world.store.refusal() is None
    world.send(b"b")
    world.loop.run(1)
    stored(world, b"b")


def test_a_full_disk_is_no_room_and_goes_on() -> None:
    world = World()
    world.loop.run(1)
    world.cluster.plan = ["53100"]
    world.send(b"a")
    world.loop.run(1)
    world.send(b"b")
    world.loop.run(1)
    assert world.answers == {b"a": "no room", b"b": "stored"}
    world.check_refused()


@pytest.mark.parametrize("code", ["22021", "23502", "54000"])
def test_one_that_the_database_does_not_take_is_refused_and_no_other(code: str) -> None:
    world = World()
    world.loop.run(1)
    world.cluster.plan = [code, "clean", code, "clean"]
    for token in (b"a", b"b", b"c"):
        world.send(token)
    world.loop.run(1)
    assert sorted(world.answers.values()) == ["for good", "stored", "stored"]
    world.check()
    world.check_refused()


@pytest.mark.parametrize("code", ["40001", "25006", "XX000", "57014"])
def test_another_error_is_no_ones_fault(code: str) -> None:
    world = World()
    world.loop.run(1)
    world.cluster.plan = [code]
    world.send(b"a")
    world.loop.run(2)
    stored(world, b"a")


def test_too_much_is_refused_and_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_OCTETS", 20 * 1024)
    world = World()
    world.cluster.is_down = True
    for number in range(100):
        world.send(b"%d" % number)
    world.loop.turn()
    assert set(world.answers.values()) == {"no room"} and len(world.answers) > 80
    fault = world.store.refusal()
    assert fault and fault.kind == "no room" and world.store.condition.fullness <= 1
    world.loop.run(62)
    assert len(world.answers) == 100 and world.store.condition == (0, 0, 0, 0)


@pytest.mark.parametrize("fails_at", range(1, 60))
def test_any_call_may_fail(fails_at: int) -> None:
    """Each call of libpq in turn."""
    world = World()
    world.cluster.fails_at = fails_at
    world.send(b"a")
    world.loop.run(1)
    world.send(b"b")
    world.loop.run(3)
    stored(world, b"a", b"b")
    assert world.cluster.calls > fails_at


@pytest.mark.parametrize("word", ["clean", "early 53100"])
def test_any_call_may_fail_while_a_large_message_is_sent(word: str) -> None:
    for fails_at in range(1, 40):
        world = World()
        world.loop.run(0.3)
        world.cluster.plan = [word]
        world.cluster.fails_at = world.cluster.calls + fails_at
        world.send(b"a", octets=1_000_000)
        world.loop.run(6, 0.2)
        world.check()
        world.check_refused()
        assert world.answers[b"a"] in ("stored", "no room") and world.store._room._files == world.store._memory.used == 0


def test_a_primary_without_standbys_is_not_used() -> None:
    world = World()
    world.cluster.standbys = b""
    world.send(b"a")
    world.loop.run(5)
    assert world.answers == {}
    world.cluster.standbys = b"ANY 1 (n2)"
    world.loop.run(3)
    stored(world, b"a")


def test_a_primary_whose_quorum_is_taken_away_is_used_no_longer() -> None:
    """Somebody sets synchronous_standby_names to nothing while mail comes."""
    world = World()
    world.loop.run(1)
    names, world.cluster.standbys = world.cluster.standbys, b""
    world.loop.run(6)
    world.send(b"a")
    world.loop.run(5)
    assert world.answers == {}
    world.cluster.standbys = names
    world.loop.run(3)
    stored(world, b"a")


def test_an_old_primary_is_not_used_again() -> None:
    world = World()
    world.loop.run(1)
    world.cluster.fail_over()
    world.loop.run(3)
    world.cluster.timeline -= 1
    for connection in world.cluster.connections:
        connection.breaks()
    world.send(b"a")
    world.loop.run(5)
    assert world.answers == {}
    world.cluster.timeline += 1
    world.loop.run(3)
    stored(world, b"a")


@pytest.mark.parametrize("word", ["clean", "warn", "lost", "gone", "wait", "40001"])
def test_a_large_message_goes_in_pieces_in_one_transaction(word: str) -> None:
    world = World()
    world.loop.run(1)
    world.cluster.plan = [word]
    world.send(b"a", octets=1_000_000)
    world.send(b"b")
    assert world.store._memory.used < 300_000
    world.loop.run(40)
    stored(world, b"a", b"b")
    assert ["mailboxes", *["piece"] * 4, "messages", "deliveries"] in world.cluster.transactions
    assert world.store._room._octets == world.store._room._files == 0 == world.store._memory.used


@pytest.mark.parametrize(("code", "answer"), [("53100", "no room"), ("22021", "for good"), ("40001", "stored")])
def test_an_error_in_the_middle_of_a_large_message_is_heard_as_what_it_is(code: str, answer: str) -> None:
    """The server says so at once; the rest is not sent, and the connection is not lost by it."""
    world = World()
    world.loop.run(1)
    world.cluster.plan = [f"early {code}"]
    world.send(b"a", octets=1_000_000)
    world.loop.run(3)
    assert world.answers == {b"a": answer} and not world.store._withdrawals.made
    assert len(world.cluster.connections) == (4 if answer == "stored" else 3), (
        "only an error of nobody's ends the connection"
    )
    world.check()
    world.check_refused()


def test_a_large_message_that_finds_no_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "MOST_OCTETS", 500_000)
    world = World()
    world.send(b"a", octets=1_000_000)
    world.loop.run(1)
    assert world.answers == {b"a": "no room"} and world.store._room._files == 0


def test_figures_tell_how_the_cluster_is_also_while_all_waits() -> None:
    world = World()
    world.loop.run(1)
    world.cluster.plan = ["wait"] * 10
    world.send(b"a")
    world.loop.run(8)
    figures = {(name, label): value for name, label, value, _ in world.store.figures()}
    assert figures["database_links", "BUSY"] == 1 and figures["database_links", "READY"] == 2
    assert figures["database_hosts", "10.0.0.1"] == 3 and figures["database_timeline", ""] == 1
    assert 7.5 < figures["database_longest_wait", ""] < 9 and figures["database_waiting_octets", ""] > 1024
    assert (figures["database_standbys", ""], figures["database_standby_lag", ""]) == (2, 4096)
    assert figures["database_commits_waiting", ""] == 1 and ("database_slot_octets", "") not in figures
    world.cluster.is_down = True
    for connection in world.cluster.connections:
        connection.breaks()
    world.loop.run(6)
    assert not {"database_standbys", "database_hosts"} & {figure.name for figure in world.store.figures()}


def test_at_the_end_connections_are_closed() -> None:
    world = World()
    world.loop.run(1)
    world.store.close()
    assert world.cluster.connections and all(connection.is_finished for connection in world.cluster.connections)


WORDS = st.sampled_from(["clean", "wait", "warn", "lost", "gone", "53100", "22021", "40001"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 5)),
        st.tuples(st.just("run"), st.sampled_from([0.1, 1, 11, 61])),
        st.tuples(st.just("plan"), WORDS),
        st.tuples(st.just("fail"), st.integers(1, 30)),
        st.tuples(st.just("fail over"), st.just(0)),
    ),
    max_size=25,
)


@given(STEPS)
def test_whatever_happens_what_was_promised_is_there_once(steps: "list[tuple[str, float | str]]") -> None:
    world = World()
    sent = 0
    for what, value in steps:
        if what == "send":
            for _ in range(int(value)):
                sent += 1
                world.send(b"%d" % sent)
        elif what == "run":
            world.loop.run(float(value), 0.1 if float(value) < 5 else 1)
        elif what == "plan":
            world.cluster.plan.append(str(value))
        elif what == "fail":
            world.cluster.fails_at = world.cluster.calls + int(value)
        else:
            world.cluster.fail_over()
        world.check()
    world.cluster.plan.clear()
    world.cluster.fails_at = 0
    world.loop.run(75, 1)
    world.loop.run(2)
    world.check()
    world.check_refused()
    assert len(world.answers) == sent and world.store.condition == (0, 0, 0, 0)
