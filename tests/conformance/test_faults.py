"""A toy server with one fault, under the whole check: just that is found. Without a fault, nothing is."""

import pytest

from conformance.checking import Check, Outcome, Selection, Server
from conformance.rules.known import RULES
from conformance.rules.rule import Level

from ..kit.toy import FAULTS, LAWFUL, TRUSTFUL, Fault, toys
from ..kit.wires import TARGET, together
from .probes.test_known import ALL

EVERYTHING = Selection(frozenset(RULES), is_intrusive=True, waits=600.0)


def checked(fault: Fault) -> Outcome:
    return Check(Server(toys(fault), TARGET, together, lambda: 1.0), EVERYTHING).run(ALL)


@pytest.mark.parametrize("fault", [LAWFUL, *FAULTS], ids=lambda fault: fault.name)
def test_just_that_is_found(fault: Fault) -> None:
    assert {finding.rule for finding in checked(fault).findings} == set(fault.finds)


def test_who_was_refused_is_trusted() -> None:
    findings = checked(TRUSTFUL).findings
    assert [finding.rule for finding in findings if finding.level is not Level.NOTE] == list(TRUSTFUL.finds)


def test_what_is_for_lmtp_is_not_asked_of_others() -> None:
    rules = frozenset({"2033-4.2-each", "5321-2.3.8-cut"})
    outcome = Check(Server(toys(LAWFUL), TARGET, together, lambda: 1.0), Selection(rules)).run(ALL)
    assert (outcome.held, outcome.probed) == (1, frozenset({"5321-2.3.8-cut"}))


def test_there_are_many() -> None:
    assert len(FAULTS) > 40 and len({fault.name for fault in FAULTS}) == len(FAULTS)
