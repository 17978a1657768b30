"""Measures many idle sessions: the burst in which they connect, their memory, and reply times among them."""

import statistics
from collections.abc import Callable
from typing import NamedTuple

from bench import outcome, peers, rivals
from bench.load import KIB, Load
from bench.measuring import Setting, in_turns, measure, running
from bench.outcome import Outcome, Row, figure
from bench.peers import Peer
from bench.tally import resident_kib
from bench.visitors import allow_descriptors, visiting

IDLE = 10_000
FEW = 10
ACTIVE = Load(10, KIB)
"""The active clients, whose reply times are measured among the idle ones."""

OPEN_FILES = 12_000
HEADING = (
    "server | idle sessions | all greeted after, s | KiB a session | reply among them, ms, p50 / p99 | "
    f"reply among {FEW}, ms, p50 / p99"
)
NOTE = (
    "an idle session has been greeted and has said HELO; a process of its own opens all of them at once, from several "
    "loopback addresses (500 at a time with aiosmtpd, whose backlog is short); replies are those of "
    f"{ACTIVE.sessions} sessions that send without a pause; KiB a session is the server's growth, divided"
)


class Crowded(NamedTuple):
    """Seconds until all were greeted; KiB per session; seconds to a reply among a few idle sessions, and among all."""

    greeted: float
    kib: float
    few_p50: float
    few_p99: float
    many_p50: float
    many_p99: float
    client: float


def idle(setting: Setting) -> Outcome:
    """Measures both of our dialects, and aiosmtpd."""
    allow_descriptors(OPEN_FILES)  # the servers inherit this limit
    number = IDLE // setting.divisor
    options = ["--max-connections", str(IDLE + 1000), "--dialect"]
    ours = [peers.ours(f"carteiro, {dialect}", "discard", *options, dialect) for dialect in ("classic", "esmtp")]
    servers = [*ours, *([peers.aiosmtpd(False)] if rivals.has_aiosmtpd() else [])]
    found: dict[str, list[Crowded]] = {server.name: [] for server in servers}
    for each in range(setting.rounds):
        for server in in_turns(setting, f"{number:,} idle sessions", servers, each):
            found[server.name].append(_crowded(setting, server, number))
    theirs = "".join(f"{_median(found[server.name]).kib:.2f} KiB" for server in servers[len(ours) :])
    rows = [row for server in ours for row in _rows(f"{server.name}, {number:,} idle sessions", found[server.name], theirs)]
    return Outcome(rows, HEADING, [_cells(name, number, _median(each)) for name, each in found.items()], [NOTE])


def _crowded(setting: Setting, server: Peer, number: int) -> Crowded:
    with running(setting, server) as listening:
        with visiting("idle", listening.port, FEW):
            few = measure(setting, listening, ACTIVE)
            before = resident_kib(listening.pid)
        kind = "idle" if server.name.startswith("carteiro") else "gradual"
        with visiting(kind, listening.port, number) as greeted:
            kib = (resident_kib(listening.pid) - before) / (number - FEW)
            many = measure(setting, listening, ACTIVE)
    return Crowded(greeted, kib, few.p50, few.p99, many.p50, many.p99, many.client)


def _median(found: list[Crowded]) -> Crowded:
    return Crowded(*map(statistics.median, zip(*found, strict=True)))


def _rows(name: str, found: list[Crowded], theirs: str) -> list[Row]:
    middle = _median(found)

    def ceiling(
        work: str, against: str, of: Callable[[Crowded], float], goal: float, beside: tuple[str, str], unit: str = "x"
    ) -> Row:
        return outcome.row(f"{name}: {work}", against, list(map(of, found)), goal, beside, unit=unit, is_ceiling=True)

    p50 = f"{1e3 * middle.many_p50:.3f} ms", f"{1e3 * middle.few_p50:.3f} ms"
    p99 = f"{1e3 * middle.many_p99:.3f} ms", f"{1e3 * middle.few_p99:.3f} ms"
    few = f"with {FEW} idle sessions"
    return [
        ceiling("memory a session", "aiosmtpd", lambda each: each.kib, 2, (f"{middle.kib:.2f} KiB", theirs), "KiB"),
        ceiling("a reply, p50", few, lambda each: each.many_p50 / each.few_p50, 3, p50),
        ceiling("a reply, p99", few, lambda each: each.many_p99 / each.few_p99, 3, p99),
        ceiling("opened in one burst, all greeted", "", lambda each: each.greeted, 5, (f"{middle.greeted:.2f} s", ""), "s"),
    ]


def _cells(name: str, number: int, found: Crowded) -> list[str]:
    among = [f"{1e3 * p50:.3f} / {1e3 * p99:.3f}" for p50, p99 in (found[4:6], found[2:4])]
    return [name, f"{number:,}", figure(found.greeted), figure(found.kib), *among]
