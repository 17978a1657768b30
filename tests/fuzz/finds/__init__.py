"""What fuzzing has come to: for each target a file, with a line of base64 for each input."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent


def kept(name: str) -> list[bytes]:
    """The inputs for a target."""
    path = HERE / f"{name}.txt"
    return [b64decode(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def keep(name: str, found: Iterable[bytes]) -> None:
    """Only these, each once, the shortest first."""
    inputs = sorted(set(found), key=lambda data: (len(data), data))
    (HERE / f"{name}.txt").write_text("".join(f"{b64encode(data).decode()}\n" for data in inputs))
