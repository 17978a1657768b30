"""Measures whether the cost of a message stays the same with more active sessions, more users, and larger mailboxes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import outcome, peers
from bench.load import KIB, Load
from bench.measuring import HEADING, Measured, Results, Setting, cpu_of, in_turns, measure, running, table
from bench.outcome import Outcome, Row
from bench.peers import MAILBOX, Peer
from bench.tally import Tally
from bench.visitors import allow_descriptors

GOAL = 1.5
ACTIVE = (10, 100, 1000, 5000)
USERS = (5, 1_000_000)
MAILBOX_SIZES = (KIB, 10 << 30)
FEW_USERS = 5
FEW_SESSIONS = 100
"""--quick uses the full number of sessions up to this."""

OPEN_FILES = 6000

SESSIONS = "discard, by active sessions"
NAMES, MAIL = "durable, 100 sessions, by users", "durable, 100 sessions, by mailbox"
NOTE = (
    "1 KiB, many a connection; CPU counts from the first message, when all sessions stand, until the last is stored "
    "(durable: in its mailbox); the mailbox of 10 GiB is a sparse file"
)


def flat(setting: Setting) -> Outcome:
    """Measures CPU time per message; the figure is the most divided by the least."""
    allow_descriptors(OPEN_FILES)  # the servers inherit this limit
    results: Results = {}
    for number in range(setting.rounds):
        _sessions(setting, number, results)
        _users(setting, number, results)
        _mailboxes(setting, number, results)
    rows = [_row(results, name) for name in (SESSIONS, NAMES, MAIL)]
    return Outcome(rows, HEADING.replace("server |", "|", 1), table(results), [NOTE])


def _sessions(setting: Setting, number: int, results: Results) -> None:
    for active in ACTIVE[:: -1 if number % 2 else 1]:
        sessions = active if active <= FEW_SESSIONS else active // setting.divisor
        peer = peers.ours(f"{sessions:,} sessions", "discard")
        for server in in_turns(setting, SESSIONS, [peer], number):
            with running(setting, server) as listening:
                found = measure(setting, listening, Load(sessions, KIB))
            results.setdefault((SESSIONS, server.name), []).append(found)


def _users(setting: Setting, number: int, results: Results) -> None:
    few, many = USERS
    servers = [Peer(f"{users:,} users", command(users), Tally) for users in (few, many // setting.divisor)]
    _durable(setting, NAMES, servers, number, results)


def _mailboxes(setting: Setting, number: int, results: Results) -> None:
    names = ("1 KiB", "10 GiB")
    servers = [
        Peer(f"a mailbox of {name}", command(FEW_USERS, size), Tally)
        for name, size in zip(names, MAILBOX_SIZES, strict=True)
    ]
    _durable(setting, MAIL, servers, number, results)


def _durable(setting: Setting, load: str, servers: list[Peer], number: int, results: Results) -> None:
    for server in in_turns(setting, load, servers, number):
        with running(setting, server) as listening:
            results.setdefault((load, server.name), []).append(measure(setting, listening, Load(100, KIB)))


def command(users: int, size: int = 0) -> Callable[[Path, int], list[str]]:
    """The command of our server with this many users, and a mailbox that already has `size` octets."""
    return partial(_prepared, users, size)


def _prepared(users: int, size: int, directory: Path, port: int) -> list[str]:
    mail = directory / "mail"
    mail.mkdir()
    if size:
        with (mail / f"{MAILBOX}.txt").open("wb") as file:
            file.truncate(size)
    return peers.carteiro("--quiet", users=users)(directory, port)


def _row(results: Results, load: str) -> Row:
    kinds = {name: found for (of, name), found in results.items() if of == load}
    by_round: list[list[Measured]] = [list(found) for found in zip(*kinds.values(), strict=True)]
    spreads = [max(map(cpu_of, each)) / min(map(cpu_of, each)) for each in by_round]
    costs = " / ".join(f"{1e6 * min(map(cpu_of, found)):.0f}" for found in kinds.values())
    work = f"CPU a message, {load}: most to least"
    return outcome.row(work, "", spreads, GOAL, (f"{' / '.join(kinds)}: {costs} µs", ""), is_ceiling=True)
