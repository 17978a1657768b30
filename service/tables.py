"""The formats of --table, and what prints and draws the tables.

Loads what draws them only when it is asked for: a server that serves has no use for it.
"""

from protocol.engine.table import Table

SHAPES = ("text", "mermaid", "dot", "svg")


def _of(subject: str) -> dict[str, str]:
    """The shapes, by the names of the formats."""
    return {subject + f"-{shape}" * (shape != "text"): shape for shape in SHAPES}


POP3_FORMATS = _of("pop3")
"""Those that print the table of POP3: `pop3`, `pop3-svg`."""

FORMATS = (*SHAPES, *POP3_FORMATS, *_of("database"))


def drawn(name: str, table: Table) -> str:
    """What the format with this name prints; `table` is that of the dialect."""
    if name in SHAPES:
        return _drawn(name, table)
    if name in POP3_FORMATS:
        from protocol.pop3.table import POP3

        return _drawn(POP3_FORMATS[name], POP3.table)
    from . import store_tables

    return store_tables.FORMATS[name]()


def _drawn(shape: str, table: Table) -> str:
    import shutil

    from protocol.engine import diagrams, drawing, picture

    if shape == "text":
        return drawing.text(table, shutil.get_terminal_size((drawing.WIDTH, 0)).columns)
    return {"mermaid": diagrams.mermaid, "dot": diagrams.dot, "svg": picture.svg}[shape](table)
