"""The figures as Prometheus reads them: each name is one of its kind, explained, and there when a dashboard asks for it."""

import json
import re
import time

import pytest

pytest.importorskip("prometheus_client")

from prometheus_client.parser import text_string_to_metric_families

from protocol.esmtp.table import TABLE
from service.counting import Counts
from service.snapshots import Row, Snapshot
from service.web.figures import Exposed, Surroundings, exposition
from service.web.tally import Tally

from ...kit.figures import parsed
from ...kit.support import ROOT

GAUGES = ("fullness", "waiting", "postponed", "in_doubt")
INDEX = ("lag", "lagging", "indexed", "unread", "index_size")
UNITS = ("_seconds", "_bytes", "_ratio")


def shown(*more: Row) -> str:
    """The exposition of a server with one worker and a page."""
    counts, tally, now = Counts(), Tally(), time.monotonic()
    counts.begun(TABLE.start)
    counts.follow((TABLE.start, TABLE.events[0], TABLE.start, 250))
    of_worker = [*counts.rows(TABLE.closed), *(Row(name, (), 0.5, True) for name in GAUGES), *more]
    tally.take(Snapshot(0, 10, now - 60, now, [Row("restarts", ("page",), 2)]))
    tally.take(Snapshot(1, 11, now - 50, now, of_worker))
    tally.take(Snapshot(-1, 12, now - 40, now, [Row("requests", ("200",), 3), *(Row(name, (), 4, True) for name in INDEX)]))
    return exposition(Exposed(tally, Surroundings("1.2", 1e9, {"worker 1": 4096}))).decode()


def test_it_can_be_read_and_says_what_was_counted() -> None:
    figures = parsed(shown(Row("messages", (), 7), Row("syncs", (), 2), Row("syncing", (), 0.5)))
    assert figures["carteiro_messages_accepted_total", ()] == 7
    assert figures["carteiro_connections_accepted_total", ()] == 1
    assert figures["carteiro_sessions", ("START",)] == 1
    assert figures["carteiro_journal_sync_seconds_count", ()] == 2
    assert figures["carteiro_journal_sync_seconds_sum", ()] == 0.5
    assert figures["carteiro_start_time_seconds", ()] == pytest.approx(1e9 - 60, abs=5)
    assert figures["carteiro_messages_waiting", ("1",)] == 0.5 and figures["carteiro_index_messages", ()] == 4
    assert figures["carteiro_page_requests_total", ("200",)] == 3 and figures["carteiro_restarts_total", ("page",)] == 2


def test_names_are_of_their_kind_and_explained() -> None:
    for family in text_string_to_metric_families(shown()):
        assert re.fullmatch(r"carteiro(_[a-z]+|_pop3)+", family.name)
        assert re.fullmatch(r"[A-Z].*[a-z]\.", family.documentation)
        assert family.type in ("counter", "gauge", "summary")
        if family.type == "counter":
            assert {sample.name for sample in family.samples} <= {f"{family.name}_total"}
        if family.type == "summary":
            assert family.name.endswith("_seconds")
        assert not any(unit in family.name for unit in UNITS) or family.name.endswith(UNITS)


def test_an_exposition_of_nothing_can_be_read() -> None:
    figures = parsed(exposition(Exposed(Tally(), Surroundings("1.2", 0.0, {}))).decode())
    assert figures["carteiro_messages_accepted_total", ()] == 0 and ("carteiro_sessions", ()) not in figures


def test_labels_need_no_care() -> None:
    figures = parsed(shown(Row("moves", ('A"\n\\', "RCPT", "B", "250"), 1)))
    assert figures["carteiro_transitions_total", ("250", "RCPT", 'A"\n\\', "B")] == 1


def told() -> set[str]:
    """The names of all samples that there may be."""
    names = set(re.findall(r"(?m)^# HELP (\S+)", shown()))
    summaries = re.findall(r"(?m)^# TYPE (\S+) summary", shown())
    return names | {f"{name}_{part}" for name in summaries for part in ("sum", "count")}


def test_the_dashboard_asks_for_what_is_told() -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    names = {name for expression in asked for name in re.findall(r"\bcarteiro_\w+", expression)}
    assert len(names) > 20 and names <= told()
    assert len({panel["id"] for panel in board["panels"]}) == len({panel["title"] for panel in board["panels"]})
    assert all(panel["type"] in ("stat", "gauge", "timeseries") for panel in board["panels"])
    assert all(expression.count(bracket) for expression in asked for bracket in "{}")


def test_the_panels_do_not_overlap() -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        across, down = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(column, line) for column in across for line in down}
        assert max(across) < 24 and not cells & taken
        taken |= cells


def test_documents_name_what_is_told() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    named = set(re.findall(r"`(carteiro_\w+)`", text))
    assert len(named) > 20 and named <= told()
