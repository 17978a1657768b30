"""The steps that compare messages/s, CPU time and reply times with those of other servers: durable, discard, workers.

It does not know how a measurement is made, nor how the servers are started.
"""

from collections.abc import Callable
from typing import NamedTuple

from bench import haraka, measuring, peers, postfix
from bench.client import PLAIN, Manner
from bench.floor import peer as python_floor
from bench.frame import KIB
from bench.load import Load, find_program
from bench.measuring import HEADING, Measured, Results, Setting, cpu_of, median, p99_of, rate_of
from bench.outcome import Outcome, Row, figure, row
from bench.peers import Peer

SINK, AIOSMTPD, HARAKA = "smtp-sink", "aiosmtpd", "Haraka"
SHIPPED, DEFERRED, HELD = postfix.SHIPPED.name, postfix.DEFERRED.name, postfix.HELD.name
C_FLOOR, PYTHON_FLOOR = "bare loop in C", "bare loop in Python"
OURS = "carteiro"


class Goal(NamedTuple):
    """A figure of ours, divided by that of a server, that is to be reached, or not to be exceeded."""

    server: str
    goal: float
    of: Callable[[Measured], float] = rate_of


class Case(NamedTuple):
    """A load that we and several servers get; `beside`: servers that are shown without a goal."""

    work: Load
    goals: list[Goal]
    beside: tuple[str, ...] = ()
    manner: Manner = PLAIN

    @property
    def name(self) -> str:
        """As the tables have it."""
        return self.work.name + ", pipelined" * self.manner.pipelines + ", new senders" * self.manner.has_new_senders


SMALL, SMALL_ONE, LARGE = Load(100, KIB, True), Load(100, KIB, False), Load(100, 50 * KIB, True)
PIPELINED, NEW_SENDERS = Manner(b"EHLO", pipelines=True), Manner(has_new_senders=True)


def _postfix(goal: float) -> list[Goal]:
    return [Goal(SHIPPED, goal), Goal(DEFERRED, goal), Goal(HELD, goal)]


DURABLE = [
    Case(SMALL, [Goal(SINK, 1.0), *_postfix(12), Goal(HARAKA, 10), Goal(AIOSMTPD, 20)]),
    Case(Load(10, KIB, True), _postfix(5)),
    Case(Load(10, KIB, False), _postfix(3.5)),
    Case(Load(10, 50 * KIB, True), _postfix(4)),
    Case(LARGE, _postfix(5)),
]
DISCARD = [
    Case(SMALL, [Goal(SINK, 1.1), Goal(C_FLOOR, 2.0, cpu_of), Goal(AIOSMTPD, 0.2, p99_of)], (PYTHON_FLOOR,)),
    Case(SMALL, [], (SINK,), NEW_SENDERS),
    Case(SMALL_ONE, [Goal(SINK, 1.0)], (C_FLOOR, PYTHON_FLOOR)),
    Case(SMALL, [Goal(SINK, 1.1)], (C_FLOOR, PYTHON_FLOOR), PIPELINED),
    Case(LARGE, [Goal(SINK, 2.5)], (C_FLOOR, PYTHON_FLOOR)),
]
WORDS: dict[Callable[[Measured], float], str] = {rate_of: "messages/s", cpu_of: "CPU a message", p99_of: "reply p99"}

POSTFIX_NOTE = (
    f"three of Postfix: *{SHIPPED}* pauses its clients for up to a second while more comes than is delivered "
    f"(the goals were set by such figures); *{DEFERRED.partition(', ')[2]}* is told not to "
    f"pause, and its queue manager takes each message up, as in real life; with *{HELD.partition(', ')[2]}* it only accepts"
)
WORKERS_NOTE = (
    "what cannot be shown on this machine while the load generator runs on it, too: on two cores a second worker has only "
    "what the client leaves of the second core, and at 1 KiB the client takes nearly all of it; CPU a message says what a "
    "second worker costs, messages/s does not say what it would bring on four cores"
)


def durable(setting: Setting) -> Outcome:
    """Stored before the 250: nothing of it is thrown away, but by smtp-sink."""
    return _compare(setting, DURABLE, "mbox", "durable")


def discard(setting: Setting) -> Outcome:
    """Thrown away at once, by everybody."""
    return _compare(setting, DISCARD, "discard", "discard")


def workers(setting: Setting) -> Outcome:
    """Two workers beside one, 50 KiB."""
    results: Results = {}
    for number in range(setting.rounds):
        for store in ("mbox", "discard"):
            name = f"{LARGE.name}, {'durable' if store == 'mbox' else store}"
            options = ["--quiet", "--store", store, "--workers"]
            stored = peers.in_mbox if store == "mbox" else None
            servers = [Peer(f"{n} worker{'s' * (n > 1)}", peers.carteiro(*options, str(n)), stored) for n in (1, 2)]
            for server in measuring.in_turns(setting, name, servers, number):
                with measuring.running(server, setting.place()) as listening:
                    results.setdefault((name, server.name), []).append(measuring.measure(setting, listening, LARGE))
    gains = [
        f"2 workers, {name}: {figure(median(results[name, '2 workers']).rate / median(found).rate)} x the messages/s of one"
        for (name, server), found in results.items()
        if server == "1 worker"
    ]
    return Outcome([], HEADING, measuring.table(results), [*gains, WORKERS_NOTE])


def _compare(setting: Setting, cases: list[Case], store: str, title: str) -> Outcome:
    results: Results = {}
    missing: set[str] = set()
    for number in range(setting.rounds):
        for case in cases:
            rivals = _rivals(setting, store == "mbox")
            wanted = dict.fromkeys([*(goal.server for goal in case.goals), *case.beside])
            missing |= {name for name in wanted if name not in rivals}
            servers = {OURS: _ours(store, case), **{name: rivals[name] for name in wanted if name in rivals}}
            keys = {server.name: key for key, server in servers.items()}
            for server in measuring.in_turns(setting, f"{title}, {case.name}", list(servers.values()), number):
                with measuring.running(server, setting.place()) as listening:
                    measured = measuring.measure(setting, listening, case.work, case.manner)
                results.setdefault((case.name, keys[server.name]), []).append(measured)
    rows = [_row(results, case, goal, title) for case in cases for goal in case.goals if (case.name, goal.server) in results]
    notes = [f"without {name}, which is not installed" for name in sorted(missing)]
    return Outcome(rows, HEADING, measuring.table(results), [*notes, *([POSTFIX_NOTE] if store == "mbox" else [])])


def _ours(store: str, case: Case) -> Peer:
    dialect = "esmtp" if case.manner.pipelines else "classic"
    options = ["--quiet", "--store", store, "--dialect", dialect]
    return Peer(OURS, peers.carteiro(*options), peers.in_mbox if store == "mbox" else None)


def _rivals(setting: Setting, keeps: bool) -> dict[str, Peer]:
    """Those that are here, under the names that the goals have for them."""
    found = {SINK: peers.SMTP_SINK} if find_program("smtp-sink") else {}
    if peers.has_aiosmtpd():
        found[AIOSMTPD] = peers.aiosmtpd(keeps)
    if keeps and postfix.is_here():
        found |= {peer.name: peer for peer in (postfix.SHIPPED, postfix.DEFERRED, postfix.HELD)}
    if keeps and haraka.is_here():
        found[HARAKA] = haraka.HELD
    floor = setting.tools.floor
    if floor:
        found[C_FLOOR] = Peer(C_FLOOR, lambda _, port: [str(floor), str(port)], None)
    return {**found, PYTHON_FLOOR: python_floor()}


def _row(results: Results, case: Case, goal: Goal, title: str) -> Row:
    ours, theirs = results[case.name, OURS], results[case.name, goal.server]
    mine, other = median(ours), median(theirs)
    return row(
        f"{title}, {case.name}: {WORDS[goal.of]}",
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
