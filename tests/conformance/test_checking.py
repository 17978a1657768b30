"""The kit, held against our own dialects without a socket: that of RFC 5321 has no finding, the classic one has many."""

import pytest

from conformance.checking import Check, Selection, Server, beyond
from conformance.finding import Finding
from conformance.judging import Verdict
from conformance.looking import Untestable
from conformance.places import Command, Place
from conformance.rules.known import RULES
from conformance.ways import Grade
from protocol.classic.table import CLASSIC
from protocol.engine.dialect import Dialect
from protocol.esmtp.table import ESMTP, STRICT_ESMTP

from ..kit import classic_page
from ..kit.support import ROOT
from ..kit.wires import TARGET, classic, opener, outcome_of, together


@pytest.mark.parametrize("dialect", [ESMTP, STRICT_ESMTP], ids=["esmtp", "strict"])
def test_the_dialect_of_rfc_5321_is_lawful(dialect: Dialect) -> None:
    outcome = outcome_of(dialect)
    assert not outcome.findings and not outcome.gaps
    verdicts = [judged.verdict for judged in outcome.cells]
    assert verdicts.count(Verdict.RIGHT) == 370 and set(verdicts) == {Verdict.RIGHT, Verdict.ABSENT}


@pytest.mark.parametrize(
    "policy",
    [
        {"has_tls": False},
        {"authenticate": None},
        {"hidden": frozenset({"CHUNKING", "PIPELINING"})},
        {"requires_tls": True},
        {"requires_authentication": True},
        {"requires_tls": True, "requires_authentication": True, "authenticates_in_clear": False},
    ],
    ids=lambda policy: " ".join(policy),
)
def test_so_it_is_whatever_it_offers_and_asks_for(policy: dict[str, object]) -> None:
    outcome = outcome_of(ESMTP, **policy)
    assert not [finding for finding in outcome.findings if finding.level.value != "note"] and not outcome.gaps
    assert sum(judged.verdict is Verdict.RIGHT for judged in outcome.cells) > 150


def test_the_classic_dialect_breaks_what_its_page_says() -> None:
    broken = {finding.rule for finding in classic().findings if finding.level.value == "MUST"}
    assert {"5321-4.1.1.1-hello", "5321-4.1.1.5-rset", "5321-4.1.1.9-noop", "5321-4.1.1.10-quit", "5321-3.3-rcpt"} <= broken
    assert classic().profile.is_old


def test_one_cause_is_one_finding() -> None:
    (noop,) = [finding for finding in classic().findings if finding.rule == "5321-4.1.1.9-noop"]
    assert noop.cells == tuple(f"{place}/NOOP" for place in ("START", "HELO", "EHLO", "MAIL", "RCPT", "DONE"))
    assert noop.dialogue[-2:] == ("C: NOOP", "S: 500 Syntax error, command unrecognized")


def test_only_what_was_selected_is_tested() -> None:
    outcome = outcome_of(CLASSIC, "5321-4.1.1.9")
    assert {judged.command for judged in outcome.cells if judged.place is not Place.CONTENT} == {Command.NOOP}
    assert {finding.rule for finding in outcome.findings} == {"5321-4.1.1.9-noop"}


def test_what_cannot_be_tested_is_said() -> None:
    target = TARGET._replace(to="stranger@here.example")
    check = Check(Server(opener(ESMTP), target, together, lambda: 1.0), Selection(frozenset(RULES)))
    with pytest.raises(Untestable, match=r"no mail can be sent to stranger.*RCPT is answered 550 .*\(--to\)"):
        check.run(())


def test_no_password_is_shown() -> None:
    lines = [line for judged in outcome_of(ESMTP).cells for line in judged.lines]
    assert any("name and password" in line for line in lines)
    assert not any("AGpvaG5kb2UAc2VjcmV0" in line for line in lines)


def test_what_several_probes_find_of_a_rule_is_one_finding() -> None:
    rule = "5321-4.1.1.11-parameter"
    long, short = Finding(rule, Grade.MUST, "one", ("C: a", "S: b")), Finding(rule, Grade.MUST, "two", ("C: a",))
    note = Finding(rule, Grade.NOTE, "three")
    assert beyond([long, short, note], []) == [short._replace(what="one; and two"), note]
    assert beyond([long, short, note], [Finding(rule, Grade.NOTE, "known")]) == [short._replace(what="one; and two")]


def test_the_page_for_teachers_is_what_the_kit_says() -> None:
    made = classic_page.page() + "\n"
    assert (ROOT / "docs" / "classic-and-rfc.md").read_text() == made, (
        "python -m tests.kit.classic_page > docs/classic-and-rfc.md"
    )


def test_lmtp_has_no_helo() -> None:
    server = Server(opener(ESMTP), TARGET._replace(is_lmtp=True), together, lambda: 1.0)
    with pytest.raises(Untestable, match=r"LHLO is answered 500 .*: is this a server of LMTP"):
        Check(server, Selection(frozenset(RULES))).run(())
