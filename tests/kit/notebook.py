"""What a session tells those who watch it."""

from protocol.engine.ends import Ending
from protocol.engine.events import Event
from protocol.engine.replies import Reply
from protocol.engine.table import State


class Notebook:
    """What a session told, each line with who said it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def report(self, words: str, *values: object) -> None:
        self.lines.append("! " + words % values)

    def heard(self, line: str) -> None:
        self.lines.append(f"C: {line}")

    def moved(self, before: State, event: Event | Ending, after: State, reply: Reply | None) -> None:
        if after is not before:
            self.lines.append(f"{before.name} -> {after.name}")

    def said(self, line: str) -> None:
        self.lines.append(f"S: {line}")
