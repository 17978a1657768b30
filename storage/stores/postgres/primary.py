"""What the primary says of its cluster, for who watches it: its standbys, and what waits for them.

Knows nothing about who asks, nor when.

All of it is read, and nothing written: so it is answered also while commits wait for a standby, when it matters most. For
that reason it says nothing about whether the database takes mail.
"""

from collections.abc import Iterator, Sequence

from ...contract import Figure
from .answers import Outcome, Statement, Verdict

ASK_SECONDS = 5.0
"""Between two questions."""

_MAY = "pg_has_role('pg_read_all_stats', 'USAGE')"
PREPARED = {
    b"standing": f"""SELECT
        CASE WHEN {_MAY} THEN count(*) FILTER (WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')) END::text,
        CASE WHEN {_MAY} THEN coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)), 0) END::text,
        (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep')::text,
        (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0) FROM pg_replication_slots)::text,
        (trim(current_setting('synchronous_standby_names')) = '')::text
        FROM pg_stat_replication""".encode()
}
"""Without the role pg_read_all_stats the first two are null, and the third counts commits of the same role only. The last
says whether the quorum was taken away, by a change of the settings: then a commit is on one disk.
"""

_NAMES = ("database_standbys", "database_standby_lag", "database_commits_waiting", "database_slot_octets")


def question() -> Iterator[Statement]:
    """Asks for it."""
    return iter([(b"standing", ())])


class Standing:
    """What it said last."""

    def __init__(self) -> None:
        self._values: Sequence[bytes | None] = ()

    def take(self, outcome: Outcome) -> None:
        """Takes an answer; without one nothing is known any more."""
        self._values = outcome.rows[0] if outcome.verdict is Verdict.CLEAN and outcome.rows else ()

    @property
    def is_alone(self) -> bool:
        """Whether it waits for no standby any more."""
        return bool(self._values) and self._values[-1] == b"true"

    def figures(self) -> Iterator[Figure]:
        """What is known of it."""
        for name, value in zip(_NAMES, self._values, strict=False):
            if value is not None:
                yield Figure(name, "", float(value), is_gauge=True)
