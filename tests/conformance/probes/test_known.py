"""The probes at our own server, which keeps all rules, and at a toy with one fault, of which just that is found."""

import pytest

from conformance.looking import Look
from conformance.probes.known import PROBES
from conformance.scripts import probe, read
from conformance.target import Profile
from conformance.trial import Probe, Trial
from conformance.wire import Open
from protocol.esmtp.table import ESMTP

from ...kit.support import ROOT
from ...kit.toy import FAULTS, LAWFUL, Fault, toys
from ...kit.wires import TARGET, opener, run

FILES = sorted((ROOT / "conformance" / "dialogues").glob("*.txt"))
SCRIPTS = [probe(read(path.stem, path.read_text())) for path in FILES]
ALL = [*PROBES, *SCRIPTS]
EVERY = pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.name)


def profile_of(open_wire: Open) -> Profile:
    """What the first look tells."""
    return run(Look(open_wire, TARGET, lambda: 1.0).profile())


def held(open_wire: Open, probe: Probe) -> Trial:
    trial = Trial(open_wire, TARGET, profile_of(open_wire), 1.0)
    run(probe.hold(trial))
    return trial


@EVERY
def test_our_own_server_has_no_finding(probe: Probe) -> None:
    trial = held(opener(ESMTP, postmaster=lambda: "johndoe"), probe)
    assert trial.findings == []
    assert [gap.rule for gap in trial.gaps] in ([], ["5321-4.5.3.1.8-recipients"])


@EVERY
def test_nor_has_the_toy_without_a_fault(probe: Probe) -> None:
    assert held(toys(LAWFUL), probe).findings == []


OF_THE_TABLE = {
    "answers RSET twice", "keeps recipients behind RSET", "keeps recipients behind MAIL", "answers a message twice",
    "closes without 221",
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_and_nothing_else(fault: Fault) -> None:
    profile = profile_of(toys(fault))
    found = set()
    for each in ALL:
        if all(profile.has(extension) for extension in each.needs):
            trial = held(toys(fault), each)
            found |= {finding.rule for finding in trial.findings}
    assert found == set(() if fault.name in OF_THE_TABLE else fault.finds)
