"""Each format of the report has the findings, is well-formed, and lets nothing that a server says become markup."""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from xml.etree import ElementTree

import pytest

from conformance.finding import Finding
from conformance.reports.interchange import as_junit, as_sarif
from conformance.reports.page import as_html
from conformance.reports.picture import as_badge, as_svg
from conformance.reports.report import Report
from conformance.reports.structured import as_json
from conformance.reports.text import shortened, text
from conformance.rules.rule import Harm, Level
from conformance.ways import Grade

from ...kit.wires import classic

EVIL = Finding("5321-4.1.1.9-noop", Grade.MUST, "it says <script>&\x01", ("S: <script>alert(1)</script>&",), ("START/NOOP",))


@cache
def report(*known: str) -> Report:
    outcome = classic()
    return Report("[::1]:25", outcome, (EVIL, *outcome.findings), "2026-11-28", 1.5, 9, frozenset(known))


def test_the_text_begins_with_the_matrix_and_ends_with_a_sum() -> None:
    lines = text(report()).splitlines()
    assert any(line.startswith("START      X .") for line in lines[:12])
    assert re.fullmatch(
        r"\d+ cells: \d+ right, \d+ not; 0 probes; rules broken: \d+ MUST \(1 danger, \d+ stops\), \d+ SHOULD; 1\.5 s",
        lines[-1],
    )
    assert max(map(len, lines)) <= 125


def test_of_a_baseline_only_what_was_tested_can_have_ceased() -> None:
    first, second = sorted(classic().covered - {finding.rule for finding in classic().findings})[:2]
    outcome = classic()._replace(covered=frozenset({first, EVIL.rule}), findings=(EVIL,))
    known = Report("[::1]:25", outcome, (EVIL,), "2026-11-28", known=frozenset({first, f"{first}+code", second, EVIL.key}))
    assert known.gone == (first, f"{first}+code")
    assert known._replace(elsewhere=frozenset({first})).gone == (f"{first}+code",), "one baseline may be for several servers"


def test_json_has_all() -> None:
    (server,) = json.loads(as_json([report()]))["servers"]
    assert len(server["findings"]) == len(report().findings) and server["cells"]["START/NOOP"]["verdict"] == "DIFFERS"


def test_junit_has_a_case_for_each_rule_and_a_baseline_skips_it() -> None:
    for known, failures in ((report(), True), (report("5321-4.1.1.9-noop"), False)):
        (suite,) = ElementTree.fromstring(as_junit([known]))
        cases = {case.get("name"): case for case in suite}
        assert len(cases) == int(suite.get("tests", "")) > 20
        assert (cases["5321-4.1.1.9-noop"].find("failure") is not None) is failures
        assert list(cases["5321-4.2.4-unknown"]) == []
        assert suite.get("failures") == str(sum(case.find("failure") is not None for case in suite))
        assert suite.get("skipped") == str(sum(case.find("skipped") is not None for case in suite))


def test_junit_has_a_case_for_what_only_a_probe_tests() -> None:
    probed = report()._replace(outcome=classic()._replace(probed=frozenset({"5321-2.3.8-cut"})))
    (suite,) = ElementTree.fromstring(as_junit([probed]))
    assert [list(case) for case in suite if case.get("name") == "5321-2.3.8-cut"] == [[]]


def test_what_is_new_of_a_rule_is_not_hidden_by_what_is_known() -> None:
    code = EVIL._replace(grade=Grade.CODE)
    both = report(code.key)._replace(findings=(EVIL, code))
    (suite,) = ElementTree.fromstring(as_junit([both]))
    assert [case.get("name") for case in suite if case.find("failure") is not None] == [EVIL.rule]


def test_sarif_names_the_rules() -> None:
    (run,) = json.loads(as_sarif([report()]))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert {"error", "warning", "note"} >= {result["level"] for result in run["results"]}


@pytest.mark.parametrize("made", [as_html, as_svg, as_junit])
def test_what_a_server_says_is_no_markup(made: Callable[[Sequence[Report]], str]) -> None:
    assert "<script" not in made([report()])


def test_the_page_has_a_column_for_each_server() -> None:
    page = as_html([report(), report()._replace(server="other:25")])
    assert page.count('<th scope="col">') == 4 and "other:25" in page
    assert set(re.findall(r'href="#(s\d-[^"]+)"', page)) <= set(re.findall(r'id="(s\d-[^"]+)"', page))


def test_pictures_are_well_formed() -> None:
    for picture in (as_svg([report(), report()]), as_badge([report()])):
        assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_the_middle_of_a_long_reply_is_left_out() -> None:
    lines = ["C: EHLO x", "S: 250-a", "S: 250-b", "S: 250-c", "S: 250-d", "S: 250 e"]
    assert shortened(lines) == ["C: EHLO x", "S: 250-a", "S: ...", "S: 250-d", "S: 250 e"]


def test_what_counts() -> None:
    assert EVIL in report().new and EVIL not in report("5321-4.1.1.9-noop").new
    assert report().broken(Level.MUST, Harm.DANGER) == 1
