"""The latest sessions of clients, as the API tells them."""

import os
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client")

from protocol.fussy.rules import RULES
from reactor.loop import Reactor
from service.judged import Judged, datagram
from service.metering import Metering
from service.page_settings import Settings
from service.web import clients
from service.web.clients import Clients
from service.web.monitoring import Monitoring


def judged(number: int, *remarks: tuple[str, int, str]) -> Judged:
    return Judged(1_790_000_000.25, f"192.0.2.1:{number}", "me.example", 3, 1, list(remarks), ["id-1"])


def test_they_come_newest_first_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MOST_SESSIONS", 3)
    known = Clients()
    for number in range(5):
        known.take(judged(number))
    assert [session["Client"] for session in known.latest(9)] == ["192.0.2.1:4", "192.0.2.1:3", "192.0.2.1:2"]
    assert [session["Client"] for session in known.latest(1)] == ["192.0.2.1:4"]
    assert known.latest(0) == []


def test_a_remark_has_its_rule_and_one_of_another_version_is_left_out() -> None:
    known = Clients()
    known.take(judged(1, ("5321-4.1.2-brackets", 2, "MAIL FROM:a@b"), ("a rule of later", 1, "")))
    ((session),) = known.latest(1)
    rule = RULES["5321-4.1.2-brackets"]
    assert session["Ended"] == "2026-09-21T14:13:20.250Z" and (session["Messages"], session["Stored"]) == (1, ["id-1"])
    assert session["Remarks"] == [
        {
            "Rule": rule.id, "Section": rule.section, "Level": rule.level, "Words": rule.words, "Instead": rule.instead,
            "Times": 2, "Example": "MAIL FROM:a@b",
        }
    ]  # fmt: skip


def test_they_come_the_way_of_the_figures(tmp_path: Path) -> None:
    metering = Metering(closed=None)  # type: ignore[arg-type]
    arriving, memory = metering.descriptors
    reactor = Reactor()
    monitoring = Monitoring(reactor, Settings(str(tmp_path), "mbox", (), metering=(os.dup(arriving), memory)))
    metering.send(datagram(judged(7)))
    metering.send(b'{"judged":[]}')
    metering.send(datagram(judged(8)))
    reactor.turn_within(0)
    reactor.turn()
    assert [session["Client"] for session in monitoring.clients.latest(9)] == ["192.0.2.1:8", "192.0.2.1:7"]
    monitoring.close()
    metering.close()
    reactor.close()
