"""A server that does anything that is lawful, by chance, is not accused of anything."""

from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conformance.checking import Check, Outcome, Selection, Server
from conformance.judging import Verdict
from conformance.places import Command, Place
from conformance.rules.known import RULES
from conformance.rules.rule import Level
from conformance.ways import SAME, Grade, Way

from ..kit import lawful_server
from ..kit.wires import TARGET, together


def outcome_of(seed: int) -> Outcome:
    server = Server(lawful_server.opener(seed), TARGET, together, lambda: 1.0)
    return Check(server, Selection(frozenset(RULES))).run(())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
def test_what_is_lawful_is_no_finding(seed: int) -> None:
    outcome = outcome_of(seed)
    assert [finding for finding in outcome.findings if finding.level is not Level.NOTE] == []


def test_it_is_not_for_want_of_looking() -> None:
    verdicts = Counter(judged.verdict for seed in range(5) for judged in outcome_of(seed).cells)
    assert verdicts[Verdict.RIGHT] > 600 and verdicts[Verdict.NOTE] > 100
    assert verdicts[Verdict.UNTESTED] < verdicts.total() / 10


def test_one_unlawful_cell_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    way = lawful_server.Chosen.way

    def changed(self: lawful_server.Chosen, place: Place, command: Command, offered: frozenset[str]) -> object:
        if (place, command) == (Place.MAIL, Command.RSET):
            return Way(("250",), SAME, Grade.RIGHT), "250", way(self, place, command, offered)[2]
        return way(self, place, command, offered)

    monkeypatch.setattr(lawful_server.Chosen, "way", changed)
    broken = [finding for finding in outcome_of(1).findings if finding.level is Level.MUST]
    assert [(finding.rule, finding.cells) for finding in broken] == [("5321-4.1.1.5-rset", ("MAIL/RSET",))]
