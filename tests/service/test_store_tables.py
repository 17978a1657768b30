"""The tables of the store in PostgreSQL as they are printed and drawn."""

import re
import xml.etree.ElementTree as ET

import pytest

from service import store_tables

from ..kit.esmtp_server import run


def test_each_state_event_and_act_is_printed_within_a_page() -> None:
    text = store_tables.text(width=80)
    assert max(map(len, text.splitlines())) <= 125
    for table in store_tables.TABLES:
        for state, row in table.cells.items():
            assert re.search(rf"(?m)^{state.name} ", text) and state.value in text
            for event, cell in row.items():
                assert event.value in text and (not isinstance(cell, tuple) or cell[1].value in text)


@pytest.mark.parametrize("name", sorted(store_tables.FORMATS))
def test_the_program_prints_them(name: str) -> None:
    shown = run("--table", name).stdout
    assert "FORSAKEN" in shown and "CONNECTING" in shown
    if name == "database-svg":
        ET.fromstring(shown)
    if name == "database-dot":
        assert shown.count("->") > 20 and shown.count("{") == shown.count("}")
