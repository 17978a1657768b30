"""Measures what options cost: the dialect of RFC 5321 compared with the classic one, a log, Maildirs."""

from bench import measuring, outcome, peers
from bench.load import KIB, Load
from bench.measuring import HEADING, Results, Setting, median, rate_of, ratios, table
from bench.outcome import Outcome, Row
from bench.peers import Peer

WORK = Load(100, KIB)
GOAL = 0.9
CLASSIC, ESMTP, LOG, MAILDIR = "the classic dialect", "the dialect of RFC 5321", "classic, with its log", "classic, Maildirs"
STORES = {"discard": "discard", "durable": "mbox"}
NOTE = "all servers but the one with its log are told to be quiet; CPU goes until all mail is in its mailbox"


def costs(setting: Setting) -> Outcome:
    """Measures each option against a server without options."""
    results: Results = {}
    for number in range(setting.rounds):
        for title, store in STORES.items():
            for server in measuring.in_turns(setting, title, _servers(store), number):
                work = WORK._replace(says_ehlo=server.name == ESMTP)
                with measuring.running(setting, server) as listening:
                    results.setdefault((title, server.name), []).append(measuring.measure(setting, listening, work))
    return Outcome([_row(results, title) for title in STORES], HEADING, table(results), [NOTE])


def _servers(store: str) -> list[Peer]:
    plain = peers.ours(CLASSIC, store, "--dialect", "classic")
    log = Peer(LOG, peers.carteiro("--store", store, "--dialect", "classic"), plain.counter)
    maildir = peers.ours(MAILDIR, "maildir", "--dialect", "classic")
    return [plain, peers.ours(ESMTP, store, "--dialect", "esmtp"), log, *([maildir] if store == "mbox" else [])]


def _row(results: Results, title: str) -> Row:
    esmtp, classic = results[title, ESMTP], results[title, CLASSIC]
    beside = f"{median(esmtp).rate:,.0f}/s", f"{median(classic).rate:,.0f}/s"
    shares = median(esmtp).client, median(classic).client
    work = f"{title}, {WORK.name}: {ESMTP}, messages/s"
    return outcome.row(work, CLASSIC, ratios(esmtp, classic, rate_of), GOAL, beside, shares=shares)
