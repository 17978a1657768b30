"""Measures mail until it is in the mailboxes, not only accepted: a sustained load, for our server and Postfix."""

from bench import load, outcome, peers, postfix
from bench.load import KIB, Attention, Load, Sent
from bench.measuring import Setting, in_turns, running
from bench.outcome import Outcome
from bench.peers import Running

SUSTAINED = 20
"""This many times as long as the other measurements: 30 seconds without --quick."""

MOST_ROUNDS = 3

LIMIT = 150.0
"""Seconds that a server may take to deliver the mail that it has accepted."""

WORK = Load(100, KIB, True, postfix.MAILBOXES)
GOAL = 8.0
HEADING = "server | accepted/s | delivered/s | all delivered after the last 250, s | client CPU"

NOTE = (
    f"{postfix.MAILBOXES} mailboxes take turns; *delivered/s* is all messages, divided by the seconds from the first "
    "command until the last From line is in its mailbox file; Postfix runs with in_flow_delay = 0"
)


def delivered(setting: Setting) -> Outcome:
    """Measures mail that is stored durably and delivered to the mailboxes."""
    servers = [peers.ours("carteiro", "mbox"), *([postfix.DELIVERED] if postfix.is_here() else [])]
    found: dict[str, list[Delivery]] = {server.name: [] for server in servers}
    rounds = min(MOST_ROUNDS, setting.rounds)
    for number in range(rounds):
        for server in in_turns(setting, WORK.name, servers, number):
            with running(setting, server) as listening:
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
    """The figures of one measurement."""

    def __init__(self, sent: Sent, late: float) -> None:
        self.accepted = sent.rate
        self.late = late
        self.rate = sent.messages / (sent.seconds + late)
        self.client = sent.cpu_share


def _measure(setting: Setting, server: Running) -> Delivery:
    late: list[float] = []
    work = Attention(lambda: None, lambda messages: late.append(server.check_stored(messages, LIMIT)))
    sent = load.send(setting.tools, server.port, WORK, SUSTAINED * setting.seconds, work)
    return Delivery(sent, late[-1])


def _cells(name: str, found: Delivery) -> list[str]:
    return [name, f"{found.accepted:,.0f}", f"{found.rate:,.0f}", f"{found.late:.2f}", outcome.share(found.client)]


def _notes(rounds: int) -> list[str]:
    return [f"rounds here: {rounds}, each shown", NOTE]
