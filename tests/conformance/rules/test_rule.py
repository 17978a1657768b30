"""Rules are well-formed, and their ids never change."""

import pytest

from conformance.rules.known import RULES, selected
from conformance.rules.rule import Harm, Level, Rule, by_id

GOOD = Rule("5321-4.1.4-x", Level.MUST, Harm.STOPS, "It asks.", "Do it.")


def test_what_an_id_says() -> None:
    rule = RULES["5321-4.1.4-hello-again"]
    assert (rule.rfc, rule.section, rule.source) == (5321, "4.1.4", "RFC 5321 section 4.1.4")
    assert rule.url == "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.4"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([GOOD, GOOD], "comes twice"),
        ([GOOD._replace(id="4.1.4-x")], "an id is"),
        ([GOOD._replace(id="5321-4.1.4-X")], "an id is"),
        ([GOOD._replace(mend="do it")], "sentences"),
    ],
)
def test_a_flaw_is_said(rules: list[Rule], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        by_id(rules)


def test_rules_are_selected_by_prefix() -> None:
    assert selected(()) == set(RULES)
    assert selected(("5321-4.1.4-hello", "3207")) == {id for id in RULES if id.startswith(("5321-4.1.4-hello", "3207"))}
