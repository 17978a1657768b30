"""docs/limits.md says of each limit what it is: the figures are those of the code, and of the flags."""

import re
from importlib import import_module

import pytest

from protocol.engine.events import Event
from protocol.esmtp.table import PATIENCE

from ..kit.esmtp_server import run
from ..kit.support import ROOT

TEXT = (ROOT / "docs" / "limits.md").read_text()
ROWS = [line.split(" | ") for line in TEXT.partition("## Two at once")[0].splitlines() if re.match(r"\| [a-zA-Z]", line)][1:]


def constants(row: list[str]) -> list[tuple[str, str]]:
    """The figures of a row, and the names that it gives them, in their order."""
    names = re.findall(r"`([a-z_.]+\.[A-Z_]+)`", " ".join(row[2:]))
    figures = re.findall(r"\d[\d,]*(?:\.\d+)?", " ".join([row[1], *row[3:]]))
    return list(zip(figures[: len(names)], names, strict=True))


CONSTANTS = [constant for row in ROWS for constant in constants(row)]


@pytest.mark.parametrize(("figure", "name"), CONSTANTS, ids=lambda value: str(value))
def test_each_figure_is_that_of_the_code(figure: str, name: str) -> None:
    module, _, constant = name.rpartition(".")
    value = getattr(import_module(module), constant)
    assert (PATIENCE[None] if isinstance(value, dict) else value) == float(figure.replace(",", ""))


def test_there_are_figures() -> None:
    assert len(CONSTANTS) > 20 and PATIENCE[Event.SECURED] == 60


@pytest.mark.parametrize("row", [row for row in ROWS if "`--" in row[2]], ids=lambda row: row[2])
def test_each_default_is_that_of_the_flag(row: list[str]) -> None:
    (flag,) = re.findall(r"`(--[a-z-]+)`", row[2])
    shown = re.search(rf"(?s){flag} [A-Z]+\s.*?\(default:\s+([\d.]+)", run("--help").stdout)
    (figure,) = re.findall(r"[\d,]+", row[1])[:1]
    assert shown and float(shown[1]) == float(figure.replace(",", ""))
