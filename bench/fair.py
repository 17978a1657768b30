"""Measures whether fast, bulky or slow clients can spoil the service for 50 ordinary clients.

Knows nothing about how a server is started.
"""

from contextlib import nullcontext
from typing import NamedTuple

from bench import outcome, peers
from bench.load import KIB, Load
from bench.measuring import HEADING, Measured, Results, Setting, in_turns, measure, median, p99_of, ratios, running, table
from bench.outcome import Outcome, Row
from bench.visitors import SLOW_PAUSE, visiting

ORDINARY = Load(50, KIB)
PAUSE = 0.05
GOAL = 3.0
ALONE = "nobody else"
SLOW = 5000

NOTE = (
    "the server, the ordinary clients (with priority where that is allowed) and the visitor share the machine's cores: the "
    "visitor slows the ordinary clients by the processor time that it takes, too, whatever the server does; visitors never "
    f"pause, but the slow ones send one octet every {SLOW_PAUSE:g} s"
)


class Setup(NamedTuple):
    """The pause of the ordinary clients between messages, and the store that gets their mail."""

    name: str
    store: str
    pause: float


SETUPS = (
    Setup("without a pause, discard", "discard", 0.0),
    Setup("without a pause, durable", "mbox", 0.0),
    Setup(f"a message every {PAUSE * 1000:g} ms each, discard", "discard", PAUSE),
)


def visitors(setting: Setting) -> dict[str, tuple[str, int] | None]:
    """The visitors by their names in the tables: their kind and number."""
    slow = SLOW // setting.divisor
    return {
        ALONE: None,
        "one that pipelines messages": ("messages", 1),
        "one that pipelines NOOP": ("commands", 1),
        "one that sends 25 MiB messages": ("large", 1),
        f"{slow:,} slow ones": ("slow", slow),
    }


def fair(setting: Setting) -> Outcome:
    """Measures the reply times of ordinary clients, alone and beside each kind of visitor."""
    results: Results = {}
    for number in range(setting.rounds):
        for setup in SETUPS:
            for visitor, measured in _round(setting, setup, number).items():
                results.setdefault((f"50 sessions {setup.name}", visitor), []).append(measured)
    rows = [_row(results, load, visitor) for load, visitor in results if visitor != ALONE]
    return Outcome(rows, HEADING.replace("server |", "beside |", 1), table(results), [NOTE])


def _round(setting: Setting, setup: Setup, number: int) -> dict[str, Measured]:
    found = {}
    names = visitors(setting)
    servers = [peers.ours(name, setup.store)._replace(counter=None) for name in names]  # no counter: visitors send mail, too
    for server in in_turns(setting, f"50 sessions {setup.name}", servers, number):
        who = names[server.name]
        with (
            running(setting, server) as listening,
            visiting(who[0], listening.port, who[1]) if who else nullcontext(),
        ):
            found[server.name] = measure(setting, listening, ORDINARY._replace(pause=setup.pause))
    return {name: found[name] for name in names}


def _row(results: Results, load: str, visitor: str) -> Row:
    beside, alone = results[load, visitor], results[load, ALONE]
    mine, other = median(beside), median(alone)
    shown = f"{1e3 * mine.p99:.2f} ms", f"{1e3 * other.p99:.2f} ms"
    found = ratios(beside, alone, p99_of)
    work = f"{load}: reply p99 beside {visitor}"
    return outcome.row(work, ALONE, found, GOAL, shown, is_ceiling=True, shares=(mine.client, other.client))
