"""What servers do otherwise than ours, and may: nothing worse than a note is said of it. Each was a false alarm once."""

import pytest

from conformance.checking import Check, Selection, Server
from conformance.rules.known import RULES
from conformance.rules.rule import Level
from protocol.engine.dialect import Dialect
from protocol.engine.events import Event
from protocol.engine.replies import BAD_SEQUENCE, Reply
from protocol.engine.table import State, Written
from protocol.esmtp.actions import EsmtpActions
from protocol.esmtp.grammar import parse_esmtp
from protocol.esmtp.table import ESMTP, Esmtp

from ..kit.toy import FAULTS, LATITUDES, Fault, toys
from ..kit.wires import TARGET, outcome_of, together
from .probes.test_known import ALL

S, E = Esmtp, Event
ONLY_BDAT = Reply(BAD_SEQUENCE, b"5.5.1 Only BDAT may come now")
CHANGES: dict[str, dict[tuple[State, Event], Written]] = {
    "RSET before EHLO lets MAIL in": {(S.START, E.RSET): (S.CLIENT, S.START)},
    "between chunks nothing else is allowed": {
        (S.CHUNKED, event): ONLY_BDAT for event in (E.EHLO, E.HELO, E.HELP, E.VRFY, E.EXPN, E.OTHER)
    },
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_table(name: str) -> None:
    table = ESMTP.table.overlaid(CHANGES[name], name)
    outcome = outcome_of(Dialect(table, parse_esmtp, EsmtpActions))
    assert outcome.findings and {finding.level for finding in outcome.findings} == {Level.NOTE} and not outcome.gaps


@pytest.mark.parametrize("fault", LATITUDES, ids=lambda fault: fault.name)
def test_another_server(fault: Fault) -> None:
    check = Check(Server(toys(fault), TARGET, together, lambda: 1.0), Selection(frozenset(RULES), is_intrusive=True))
    outcome = check.run(ALL)
    assert [finding for finding in outcome.findings if finding.level is not Level.NOTE] == []
    assert {gap.rule for gap in outcome.gaps} == set(fault.finds)


def test_the_dialogue_ends_where_it_shows_what_is_wrong() -> None:
    (fault,) = [fault for fault in FAULTS if fault.name == "keeps recipients behind RSET"]
    check = Check(Server(toys(fault), TARGET, together, lambda: 1.0), Selection(frozenset({"5321-4.1.1.5-rset"})))
    (finding,) = check.run(()).findings
    rset = finding.dialogue.index("C: RSET")
    lines = [line[:6] for line in finding.dialogue[rset:]]
    assert lines == ["C: RSE", "S: 250", "C: DAT", "S: 503", "C: MAI", "S: 503"]  # the last would be 250
