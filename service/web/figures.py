"""The figures by the names that Prometheus knows them by, and what they mean.

What the SMTP side counts is little: for the most part, the moves of sessions. What else can be said follows from these,
here, where nobody waits for it. Knows nothing about HTTP.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import generate_latest

from .moves import Moves
from .tally import Labels, Tally

GROWING = (
    ("carteiro_connections_accepted", "accepted", (), "SMTP connections that were accepted"),
    ("carteiro_connections_refused", "refused", (), "SMTP connections that were refused since there were too many"),
    ("carteiro_transitions", "moves", ("from", "event", "to", "code"), "What SMTP sessions did: each move in the table"),
    ("carteiro_messages_accepted", "messages", (), "Messages that were stored, and acknowledged if their client was there"),
    ("carteiro_messages_accepted_bytes", "octets", (), "Their mail data, as sent"),
    ("carteiro_messages_deleted", "deleted", (), "Messages that were deleted over the page, and maybe taken back"),
    ("carteiro_notices_dropped", "notices_dropped", (), "Notices of new mail that the index did not take in time"),
    ("carteiro_snapshots_dropped", "snapshots_dropped", (), "Datagrams with figures that nobody took"),
    ("carteiro_log_lines_dropped", "log_dropped", (), "Lines of the log that nobody read"),
    ("carteiro_restarts", "restarts", ("process",), "How often a process was started again, after it had ended"),
    (
        "carteiro_database_messages",
        "database_messages",
        ("outcome",),
        "Messages by what became of each sending to the database",
    ),
    (
        "carteiro_database_events",
        "database_events",
        ("event",),
        "Failovers and warnings that were seen, messages taken back",
    ),
    ("carteiro_pop3_connections_accepted", "pop3_accepted", (), "POP3 connections that were accepted"),
    ("carteiro_pop3_transitions", "pop3_moves", ("from", "event", "to"), "What POP3 sessions did: each move in the table"),
    ("carteiro_page_requests", "requests", ("code",), "HTTP requests, by the status of the answer"),
)
"""What is told as it was counted. `_total` is put behind the name."""

GAUGES = (
    ("carteiro_journal_fullness_ratio", "fullness", "How full a worker's journal is: beyond 1 no mail is accepted"),
    ("carteiro_messages_waiting", "waiting", "Accepted messages that are not in their mailboxes yet, once for each"),
    ("carteiro_mailboxes_postponed", "postponed", "Mailboxes that could not be written to, and are tried again"),
    (
        "carteiro_database_silence_seconds",
        "database_silence",
        "Seconds since the database has answered a worker for certain",
    ),
    (
        "carteiro_database_longest_wait_seconds",
        "database_longest_wait",
        "How long the oldest message waits for the database; beyond the limit of patience it is refused",
    ),
    ("carteiro_database_waiting_bytes", "database_waiting_octets", "Octets of messages that wait for the database"),
    ("carteiro_database_timeline", "database_timeline", "The highest timeline that was seen: each failover adds to it"),
    ("carteiro_database_standbys", "database_standbys", "Standbys that stream, and of which the quorum is"),
    (
        "carteiro_database_standby_lag_bytes",
        "database_standby_lag",
        "What the standby that is most behind has not flushed of the primary's log",
    ),
    ("carteiro_database_commits_waiting", "database_commits_waiting", "Commits on the primary that wait for a standby"),
    ("carteiro_database_slot_bytes", "database_slot_octets", "Log that the primary keeps for the slot that is most behind"),
    ("carteiro_mailboxes_in_doubt", "in_doubt", "Those of them of which it has to be found out what they have"),
)
"""What is told of each worker that is heard."""

OF_LINKS = (
    ("carteiro_pop3_sessions", "pop3_sessions", "state", "POP3 sessions that are open, by their state"),
    ("carteiro_database_links", "database_links", "state", "Connections to the database, by their state"),
    ("carteiro_database_hosts", "database_hosts", "host", "Those that are in use, by the host: the primary"),
)
"""What is told of all processes together."""

OF_INDEX = (
    ("carteiro_index_lag_seconds", "lag", "Seconds since the index was in step with the mailboxes, as far as is known"),
    ("carteiro_index_lag_mailboxes", "lagging", "Mailboxes that it has not read to their end"),
    ("carteiro_index_messages", "indexed", "Messages that the index has"),
    ("carteiro_index_messages_unread", "unread", "Those of them that are unread"),
    ("carteiro_index_size_bytes", "index_size", "Octets of the index's files"),
)
"""What the page tells of its index, if it has one."""


WORKER = ("worker",)


class Surroundings(NamedTuple):
    """What is no count."""

    version: str
    now: float
    """Seconds since the epoch."""
    memory: dict[str, int]
    """Octets of memory, by what a process is."""


class Exposed:
    """All figures of a tally. Fulfils `prometheus_client`'s type of a collector."""

    def __init__(self, tally: Tally, surroundings: Surroundings) -> None:
        self._tally = tally
        self._surroundings = surroundings

    def collect(self) -> Iterator[Metric]:
        """One family of metrics after another."""
        yield from self._of_the_server()
        for name, row, labels, about in GROWING:
            yield _counter(name, about, labels, self._tally.totals(row))
        yield from self._derived(Moves(self._tally.totals("moves")))
        yield _summary(self._tally, "carteiro_journal_sync_seconds", "syncs", "syncing", "Syncs of the journal")
        yield _summary(self._tally, "carteiro_moving_seconds", "slices", "moving", "Slices of moving mail to its mailboxes")
        yield from self._gauges()

    def _of_the_server(self) -> Iterator[Metric]:
        yield _gauge("carteiro_build_info", "The version that runs", ("version",), {(self._surroundings.version,): 1})
        started = self._surroundings.now - self._tally.age
        yield _gauge("carteiro_start_time_seconds", "When the server was started, since the epoch", (), {(): started})
        silences = {number: seconds for number, seconds in self._tally.silences.items() if number >= 0}
        yield _gauge(
            "carteiro_worker_silence_seconds",
            "Seconds since a worker told its figures; 0 is the first process",
            WORKER,
            _by_worker(silences),
        )
        seconds = {number: value for number, value in self._tally.of_each("cpu").items() if value}
        yield _counter("carteiro_cpu_seconds", "CPU time of the SMTP side's processes", WORKER, _by_worker(seconds))
        memory: dict[Labels, float] = {(name,): octets for name, octets in self._surroundings.memory.items()}
        yield _gauge("carteiro_resident_memory_bytes", "Memory of a process, as far as it is in use", ("process",), memory)

    def _derived(self, moves: Moves) -> Iterator[Metric]:
        yield _counter("carteiro_refusals", "Commands and messages that were refused", ("code",), moves.refusals)
        yield _counter("carteiro_messages_refused", "Messages that were refused after their content", (), moves.refused)
        yield _counter("carteiro_session_ends", "Sessions that are over, by what ended them", ("how",), moves.ends)
        yield _counter("carteiro_tls_handshakes", "TLS handshakes", ("outcome",), moves.handshakes)
        yield _counter("carteiro_authentications", "Names and passwords that came", ("outcome",), moves.authentications)

    def _gauges(self) -> Iterator[Metric]:
        states: dict[Labels, float] = {}
        for numbers in self._tally.gauges("sessions").values():
            for labels, value in numbers.items():
                states[labels] = states.get(labels, 0) + value
        yield _gauge("carteiro_sessions", "SMTP sessions that are open, by their state", ("state",), states)
        for name, row, label, about in OF_LINKS:
            links: dict[Labels, float] = {}
            for numbers in self._tally.gauges(row).values():
                for labels, value in numbers.items():
                    links[labels] = links.get(labels, 0) + value
            yield _gauge(name, about, (label,), links)
        for name, row, about in GAUGES:
            values = {number: sum(figures.values()) for number, figures in self._tally.gauges(row).items()}
            yield _gauge(name, about, WORKER, _by_worker(values))
        for name, row, about in OF_INDEX:
            for figures in self._tally.gauges(row).values():
                yield _gauge(name, about, (), figures)


def exposition(figures: Exposed) -> bytes:
    """All of them, in the text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(figures)
    return generate_latest(registry)


def _by_worker(values: Mapping[int, float]) -> dict[Labels, float]:
    return {(str(number),): value for number, value in values.items()}


def _counter(name: str, about: str, labels: Labels, values: dict[Labels, float]) -> Metric:
    family = CounterMetricFamily(name, f"{about}.", labels=labels)
    for each, value in (values or ({} if labels else {(): 0.0})).items():
        family.add_metric(each, value)
    return family


def _gauge(name: str, about: str, labels: Labels, values: dict[Labels, float]) -> Metric:
    family = GaugeMetricFamily(name, f"{about}.", labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family


def _summary(tally: Tally, name: str, count: str, seconds: str, about: str) -> Metric:
    number = int(tally.total(count))
    return SummaryMetricFamily(name, f"{about}.", count_value=number, sum_value=tally.total(seconds))
