"""The step that measures mail until it is in the mailboxes, not only accepted: sustained load, ours beside Postfix.

It does not know how the servers are started, nor how the load is made.
"""

import time

from bench import native, outcome, peers, postfix
from bench.frame import KIB
from bench.load import Load
from bench.measuring import Setting, in_turns, running
from bench.native import Attention
from bench.outcome import Outcome
from bench.peers import Peer, PeerError, Running
from bench.tally import Tally

SUSTAINED = 20
"""So many times as long as the other measurements: 30 seconds in full."""

MOST_ROUNDS = 3

LIMIT = 150.0
"""Seconds that a server may take to deliver what it has accepted."""

WORK = Load(100, KIB, True, postfix.MAILBOXES)
GOAL = 8.0
HEADING = "server | accepted/s | delivered/s | all delivered after the last 250, s | client CPU"

NOTE = (
    f"messages to {postfix.MAILBOXES} mailboxes in turns; *delivered/s* is all messages, divided by the seconds from the "
    "first command until the last From line is in its mailbox file; Postfix runs with in_flow_delay = 0"
)


def delivered(setting: Setting) -> Outcome:
    """Durable, and moved into the mailboxes."""
    servers = [Peer("carteiro", peers.carteiro("--quiet"), None), *([postfix.DELIVERED] if postfix.is_here() else [])]
    found: dict[str, list[Delivery]] = {server.name: [] for server in servers}
    rounds = min(MOST_ROUNDS, setting.rounds)
    for number in range(rounds):
        for server in in_turns(setting, WORK.name, servers, number):
            with running(server, setting.place()) as listening:
                found[server.name].append(_measure(setting, listening))
    ours = found["carteiro"]
    rows = []
    for theirs in (found[name] for name in found if name != "carteiro"):
        ratios = [mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True)]
        beside = f"{ours[-1].rate:,.0f}/s", f"{theirs[-1].rate:,.0f}/s"
        shares = ours[-1].client, theirs[-1].client
        work = f"in the mailboxes, {WORK.name}, {SUSTAINED * setting.seconds:g} s: messages/s"
        rows.append(outcome.row(work, postfix.DELIVERED.name, ratios, GOAL, beside, shares=shares))
    return Outcome(rows, HEADING, [_cells(name, each) for name, all_of in found.items() for each in all_of], _notes(rounds))


class Delivery:
    """What one measurement gave."""

    def __init__(self, sent: native.Sent, late: float) -> None:
        self.accepted = sent.rate
        self.late = late
        self.rate = sent.messages / (sent.seconds + late)
        self.client = sent.cpu_share


def _measure(setting: Setting, server: Running) -> Delivery:
    late: list[float] = []
    tally = Tally(server.directory)

    def wait(messages: int) -> None:
        began = time.monotonic()
        while (count := tally(server.directory)) != messages:
            if count > messages or time.monotonic() > began + LIMIT:
                raise PeerError(f"{server.peer.name}: {messages} messages were accepted, {count} are in the mailboxes")
            time.sleep(0.05)
        late.append(time.monotonic() - began)

    work = Attention(lambda: None, wait)
    sent = native.send(setting.tools, server.port, WORK, SUSTAINED * setting.seconds, attention=work)
    return Delivery(sent, late[-1])


def _cells(name: str, found: Delivery) -> list[str]:
    return [name, f"{found.accepted:,.0f}", f"{found.rate:,.0f}", f"{found.late:.2f}", outcome.share(found.client)]


def _notes(rounds: int) -> list[str]:
    return [f"{rounds} rounds, each shown", NOTE, *([] if postfix.is_here() else [postfix.MISSING])]
