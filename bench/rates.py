"""Compares messages/s, CPU time and reply times with those of other servers, in three parts: durable, discard, workers.

Knows nothing about how a measurement is made or how a server is started.
"""

from collections.abc import Callable
from typing import NamedTuple

from bench import measuring, peers
from bench.load import KIB, Load
from bench.measuring import HEADING, Measured, Results, Setting, cpu_of, median, p99_of, rate_of
from bench.outcome import Outcome, Row, figure, row
from bench.peers import Peer
from bench.rivals import AIOSMTPD, C_FLOOR, DEFERRED, HARAKA, HELD, PYTHON_FLOOR, SHIPPED, SINK, rivals

OURS = "carteiro"


class Goal(NamedTuple):
    """A target for the ratio of our figure to another server's: to be reached, or not to be exceeded."""

    server: str
    goal: float
    of: Callable[[Measured], float] = rate_of


class Case(NamedTuple):
    """A load for our server and several others; `beside`: servers that are shown without a goal."""

    work: Load
    goals: tuple[Goal, ...]
    beside: tuple[str, ...] = ()


SMALL, SMALL_ONE, LARGE = Load(100, KIB), Load(100, KIB, keeps_connections=False), Load(100, 50 * KIB)
PIPELINED, NEW_SENDERS = SMALL._replace(says_ehlo=True, pipelines=True), SMALL._replace(has_new_senders=True)


def _postfix(goal: float) -> tuple[Goal, ...]:
    return Goal(SHIPPED, goal), Goal(DEFERRED, goal), Goal(HELD, goal)


DURABLE = [
    Case(SMALL, (Goal(SINK, 1.0), *_postfix(12), Goal(HARAKA, 10), Goal(AIOSMTPD, 20))),
    Case(Load(10, KIB), _postfix(5)),
    Case(Load(10, KIB, keeps_connections=False), _postfix(3.5)),
    Case(Load(10, 50 * KIB), _postfix(4)),
    Case(LARGE, _postfix(5)),
]
DISCARD = [
    Case(SMALL, (Goal(SINK, 1.1), Goal(C_FLOOR, 2.0, cpu_of), Goal(AIOSMTPD, 0.2, p99_of)), (PYTHON_FLOOR,)),
    Case(NEW_SENDERS, (), (SINK,)),
    Case(SMALL_ONE, (Goal(SINK, 1.0),), (C_FLOOR, PYTHON_FLOOR)),
    Case(PIPELINED, (Goal(SINK, 1.1),), (C_FLOOR, PYTHON_FLOOR)),
    Case(LARGE, (Goal(SINK, 2.5),), (C_FLOOR, PYTHON_FLOOR)),
]
WORDS: dict[Callable[[Measured], float], str] = {rate_of: "messages/s", cpu_of: "CPU a message", p99_of: "reply p99"}

POSTFIX_NOTE = (
    f"there are three rows for Postfix: *{SHIPPED}* pauses its clients for up to a second while more comes than is "
    f"delivered (the goals were set by such figures); *{DEFERRED.partition(', ')[2]}* does not pause them, and its queue "
    f"manager takes up each message, as in real life; *{HELD.partition(', ')[2]}* only accepts mail"
)
WORKERS_NOTE = (
    "with two cores and the client on the same machine, a second worker has only what the client leaves of the second core, "
    "which is next to nothing at 1 KiB; CPU a message shows what a second worker costs, but messages/s does not show "
    "what it would bring on four cores"
)


def durable(setting: Setting) -> Outcome:
    """All servers store mail before the 250, except smtp-sink, which discards it."""
    return _compare(setting, DURABLE, "mbox", "durable")


def discard(setting: Setting) -> Outcome:
    """All servers discard mail at once."""
    return _compare(setting, DISCARD, "discard", "discard")


def workers(setting: Setting) -> Outcome:
    """Two workers compared with one, for messages of 50 KiB."""
    results: Results = {}
    for number in range(setting.rounds):
        for store, kind in (("mbox", "durable"), ("discard", "discard")):
            servers = [peers.ours(f"{n} worker{'s' * (n > 1)}", store, "--workers", str(n)) for n in (1, 2)]
            _round(setting, LARGE, f"{LARGE.name}, {kind}", {server.name: server for server in servers}, number, results)
    gains = [
        f"2 workers, {name}: {figure(median(results[name, '2 workers']).rate / median(found).rate)} x the messages/s of one"
        for (name, server), found in results.items()
        if server == "1 worker"
    ]
    return Outcome([], HEADING, measuring.table(results), [*gains, WORKERS_NOTE])


def _compare(setting: Setting, cases: list[Case], store: str, title: str) -> Outcome:
    results: Results = {}
    others = rivals(setting.tools, store == "mbox")
    wanted = {case: dict.fromkeys([*(goal.server for goal in case.goals), *case.beside]) for case in cases}
    for number in range(setting.rounds):
        for case in cases:
            servers = {OURS: _ours(store, case.work), **{name: others[name] for name in wanted[case] if name in others}}
            _round(setting, case.work, case.work.name, servers, number, results)
    rows = [
        _row(results, case, goal, title) for case in cases for goal in case.goals if (case.work.name, goal.server) in results
    ]
    missing = sorted({name for names in wanted.values() for name in names if name not in others})
    notes = [f"without {name}, which is not installed" for name in missing]
    return Outcome(rows, HEADING, measuring.table(results), [*notes, *([POSTFIX_NOTE] if store == "mbox" else [])])


def _round(setting: Setting, work: Load, name: str, servers: dict[str, Peer], number: int, results: Results) -> None:
    """Measures all servers once. Their names in the results are the keys, which may be shorter than their own."""
    keys = {server.name: key for key, server in servers.items()}
    for server in measuring.in_turns(setting, name, list(servers.values()), number):
        with measuring.running(setting, server) as listening:
            measured = measuring.measure(setting, listening, work)
        results.setdefault((name, keys[server.name]), []).append(measured)


def _ours(store: str, work: Load) -> Peer:
    return peers.ours(OURS, store, "--dialect", "esmtp" if work.says_ehlo else "classic")


def _row(results: Results, case: Case, goal: Goal, title: str) -> Row:
    ours, theirs = results[case.work.name, OURS], results[case.work.name, goal.server]
    mine, other = median(ours), median(theirs)
    return row(
        f"{title}, {case.work.name}: {WORDS[goal.of]}",
        goal.server,
        measuring.ratios(ours, theirs, goal.of),
        goal.goal,
        (_shown(mine, goal), _shown(other, goal)),
        is_ceiling=goal.of is not rate_of,
        shares=(mine.client, other.client),
    )


def _shown(measured: Measured, goal: Goal) -> str:
    value = goal.of(measured)
    if goal.of is rate_of:
        return f"{value:,.0f}/s"
    return f"{1e6 * value:.1f} µs" if goal.of is cpu_of else f"{1e3 * value:.2f} ms"
