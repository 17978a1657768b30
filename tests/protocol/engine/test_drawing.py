"""What is drawn is what is executed, and the documents show it."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from protocol.classic.table import CLASSIC, EVENTS, ROWS, Classic
from protocol.engine import diagrams, drawing, picture
from protocol.engine.table import Mark, Table, Transition, Written, returned_to
from protocol.esmtp.table import ESMTP

from ...kit.support import ROOT

BOTH = pytest.mark.parametrize("table", [CLASSIC.table, ESMTP.table], ids=lambda table: table.name)


@BOTH
@pytest.mark.parametrize("width", [80, 60, 500])
def test_the_text_shows_every_cell(table: Table, width: int) -> None:
    """Whatever its width: each column stands in one of the parts."""
    drawn = drawing.text(table, width)
    parts = [part.splitlines() for part in drawn.split("\n\n")]
    grids = [part for part in parts if part[0].startswith(" ")]
    assert len(grids) == 1 or width < 200
    columns = [column for grid in grids for column in cut(grid)]
    expected = drawing.columns(table)[1:]
    assert [column[0] for column in columns] == [[*heading] for heading, *_ in expected]
    assert [column[1:] for column in columns] == [[[*cell] for cell in cells] for _, *cells in expected]


def cut(grid: list[str]) -> list[list[list[str]]]:
    """The columns of a grid but the first; of each the cells, of each the lines."""
    begins = [line for line in grid if line[0] != " "]
    states = [line.split()[0] for line in begins]
    assert states[0] == "START" and states[-1] == "CLOSED"
    edges = [match.start() for match in re.finditer(r"(?<=  )\S", "  " + grid[0])]
    columns = []
    for left, right in pairwise([edge - 2 for edge in edges] + [500]):
        cells: list[list[str]] = [[]]
        for line in grid:
            cells += [[]] if line[0] != " " else []
            word = line[left:right].strip()
            cells[-1] += [word] if word else []
        columns.append(cells)
    return columns


def _without_back(cell: Written) -> Written:
    return (cell[0], Classic.CLIENT) if isinstance(cell, tuple) and not isinstance(cell, Transition) else cell


def test_a_table_without_homes_says_nothing_of_going_back() -> None:
    rows = {
        state: [(cell[0], Classic.CLIENT) if isinstance(cell, tuple) else cell for cell in row]
        for state, row in ROWS.items()
    }
    drawn = drawing.text(Table("without homes", EVENTS, rows))
    assert "BACK" not in drawn and "or CLIENT" in drawn


@pytest.mark.parametrize(("table", "parts"), [(CLASSIC.table, 1), (ESMTP.table, 3)], ids=["classic", "esmtp"])
def test_it_fits_a_page_or_says_how_wide_it_is(table: Table, parts: int) -> None:
    grid, *others = drawing.text(table).split("\n\n")
    assert all(len(line) <= 80 for line in grid.splitlines())
    said = [part for part in others if part.startswith("It is")]
    assert len(said) == (parts > 1)
    for words in said:
        width = re.fullmatch(rf"It is (\d+) columns wide, and in {parts} parts here: COLUMNS=\1 shows it as one.", words)
        assert width and max(map(len, drawing.text(table, int(width[1])).split("\n\n")[0].splitlines())) == int(width[1])


@BOTH
def test_the_text_explains_its_words(table: Table) -> None:
    text = drawing.text(table)
    assert "500      refused with 500 Syntax error, command unrecognized; nothing changes" in text
    assert "held     waits for an answer" in text
    for state in table.states:
        assert f"{state.name:9}" in text and state.value in text
    for event, end in table.ends.items():
        (line,) = re.findall(rf"(?m)^{event.value} +CLOSED .*$", text)
        assert str(end.says.code if end.says else "-") in line.split() and "CLOSED" in line


def arrows(pattern: str, drawn: str) -> set[tuple[str, str]]:
    return set(re.findall(pattern, drawn, re.MULTILINE))


def moves(table: Table) -> set[tuple[str, str]]:
    """From where to where, BACK being a place, too."""
    found = {("BACK", home.name) for home in returned_to(table)}
    for state, row in table.cells.items():
        for cell in row.values():
            if isinstance(cell, Transition) and cell != Transition(state, state):
                found |= {(state.name, target.name) for target in (cell.accepted, *({cell.refused} - {state}))}
    return found


@BOTH
def test_the_diagrams_show_every_move_and_no_other(table: Table) -> None:
    """Each once: what leads the same way shares an arrow."""
    for pattern, drawn in (
        (r"^    (\w+) --> (\w+): .+$", diagrams.mermaid(table)),
        (r"^    (\w+) -> (\w+) \[label=\".+\"\];$", diagrams.dot(table)),
    ):
        assert arrows(pattern, drawn) == moves(table)
        assert len(re.findall(pattern, drawn, re.MULTILINE)) == len(moves(table))
        assert diagrams.LEGEND in drawn


def test_an_arrow_names_all_that_goes_its_way() -> None:
    assert "CLIENT --> CLIENT" not in diagrams.mermaid(ESMTP.table)
    assert "    START --> CLIENT: ehlo X, helo X\n" in diagrams.mermaid(ESMTP.table)
    assert "    REVERSE --> BACK: ehlo X, helo X, rset\n" in diagrams.mermaid(ESMTP.table)


@BOTH
def test_a_diagram_has_no_character_that_breaks_it(table: Table) -> None:
    for line in diagrams.mermaid(table).splitlines():
        assert line.count(":") <= 1 and not set('";#') & set(line)


@BOTH
def test_the_picture_has_all_words_of_the_text_and_a_colour_for_each_cell(table: Table) -> None:
    root = ElementTree.fromstring(picture.svg(table))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    for column in drawing.columns(table):
        for cell in column:
            assert set(cell) <= set(texts)
    assert set(drawing.legend(table)) | set(drawing.ends(table)) <= set(texts)
    kinds = [rect.get("class") for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    groups = drawing.alike(table)
    assert len(kinds) == 1 + len(groups) * len(table.states)
    refused = sum(
        not isinstance(table.cells[state][events[0]], Transition | Mark) for events in groups for state in table.states
    )
    assert kinds.count("refused") == refused


def test_the_documents_show_these_tables() -> None:
    text = drawing.text(CLASSIC.table)
    grid = text.partition("\n\n")[0]
    page = (ROOT / "docs" / "table.md").read_text()
    assert f"```mermaid\n{diagrams.mermaid(CLASSIC.table)}\n```" in page, "run bin/smtpd --table mermaid and copy it"
    assert f"```text\n{text}\n```" in page, "run bin/smtpd --table and copy it"
    for name in ("README.md", "README.pt.md"):
        assert f"```text\n{grid}\n```" in (ROOT / name).read_text(), "run bin/smtpd --table and copy its first part"
    for table in (CLASSIC.table, ESMTP.table):
        drawn = (ROOT / "docs" / f"{table.name}.svg").read_text()
        assert drawn == picture.svg(table) + "\n", f"bin/smtpd --dialect {table.name} --table svg > docs/{table.name}.svg"
