"""What is drawn is what is executed, and the README shows it."""

import re

from protocol import drawing
from protocol.classic import CLASSIC
from protocol.table import Go, State

from .support import ROOT

TABLE = CLASSIC.table


def test_the_text_shows_every_cell() -> None:
    lines = drawing.text(TABLE).splitlines()
    header, rows = lines[0], lines[1 : 1 + len(TABLE.states)]
    columns = [header.index(verb.value) for verb in TABLE.verbs]
    for state, row in zip(TABLE.states, rows, strict=True):
        assert row.startswith(state.name)
        words = [row[start:end].strip() for start, end in zip(columns, [*columns[1:], None], strict=True)]
        assert len(words) == len(TABLE.cells[state])
        for word, cell in zip(words, TABLE.cells[state].values(), strict=True):
            if isinstance(cell, Go):
                assert word.split(" else ")[0] == cell.accepted.name
                assert word.split(" else ")[-1] in (cell.accepted.name, cell.refused.name)
            else:
                assert word and "else" not in word


def test_the_text_explains_its_words() -> None:
    text = drawing.text(TABLE)
    assert "500      refused with 500 Syntax error, command unrecognized; nothing changes" in text
    assert "held     waits for an answer" in text
    for state in TABLE.states:
        assert state.value in text


def arrows(pattern: str, drawn: str) -> set[tuple[str, str]]:
    return set(re.findall(pattern, drawn, re.MULTILINE))


def moves() -> set[tuple[str, str]]:
    def targets(cell: Go, state: State) -> set[State]:
        return {target for target in (cell.accepted, *({cell.refused} - {state})) if isinstance(target, State)}

    return {
        (state.name, target.name)
        for state, row in TABLE.cells.items()
        for cell in row.values()
        if isinstance(cell, Go)
        for target in targets(cell, state)
    }


def test_the_diagrams_show_every_move_and_no_other() -> None:
    assert arrows(r"^    (\w+) --> (\w+): .+$", drawing.mermaid(TABLE)) == moves()
    assert arrows(r"^    (\w+) -> (\w+) \[label=\".+\"\];$", drawing.dot(TABLE)) == moves()


def test_the_diagram_has_no_character_that_breaks_it() -> None:
    for line in drawing.mermaid(TABLE).splitlines():
        assert line.count(":") <= 1 and not set('";#') & set(line)


def test_the_readme_shows_this_table_and_this_diagram() -> None:
    readme = (ROOT / "README.md").read_text()
    assert f"```mermaid\n{drawing.mermaid(TABLE)}\n```" in readme, "run bin/smtpd --table mermaid and copy it"
    assert f"```text\n{drawing.text(TABLE)}\n```" in readme, "run bin/smtpd --table and copy it"
