"""The probes at our own server, which keeps all rules, and at a toy with one fault, of which just that is found."""

import pytest

from conformance.looking import Look
from conformance.probes.known import PROBES
from conformance.rules.beyond import BEYOND
from conformance.scripts import probe, read
from conformance.target import Profile
from conformance.trial import Probe, Trial
from conformance.wire import Open
from protocol.esmtp.table import ESMTP

from ...kit.support import ROOT
from ...kit.toy import LAWFUL, toys
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
    assert trial.gaps == []


STRICT = {"requires_tls": True, "requires_authentication": True}
POOR = {"hidden": frozenset({"CHUNKING", "PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "LIMITS", "HELP"})}


@pytest.mark.parametrize("policy", [STRICT, POOR], ids=["strict", "poor"])
@EVERY
def test_whatever_it_asks_for_and_offers(probe: Probe, policy: dict[str, object]) -> None:
    server = opener(ESMTP, postmaster=lambda: "johndoe", **policy)
    if all(profile_of(server).has(extension) for extension in probe.needs):
        trial = held(server, probe)
        assert (trial.findings, trial.gaps) == ([], [])


@EVERY
def test_nor_has_the_toy_without_a_fault(probe: Probe) -> None:
    assert held(toys(LAWFUL), probe).findings == []


def test_each_rule_beyond_the_order_has_a_probe() -> None:
    tested = {rule for each in ALL for rule in each.rules}
    elsewhere = {"5321-3.1-greeting", "5321-4.3.2-syntax"}  # for transcripts: without a 220 no server can be tested
    assert tested >= {rule.id for rule in BEYOND} - elsewhere
    assert not tested & elsewhere


def test_names_of_probes_differ() -> None:
    assert len({each.name for each in ALL}) == len(ALL) > 40
