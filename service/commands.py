"""How the processes beside the server are started: each is a Python of its own, which finds the packages where this one has.

Knows nothing about what they do.
"""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
"""The directory of the rooms, in a checkout or installed."""

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from service.{} import main; sys.exit(main())"


FRUGAL = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""What the page has in its environment, and so its own processes: memory is given back when a large message is done
(mallopt(3)). Threads share what is free, since they hardly ever work at the same time.
"""

REREAD = b"reread"
"""What such a process is told on standard input to read its files again."""


def command_of(module: str, *arguments: object) -> list[str]:
    """The command that runs `main` of a module of service/, as web.page, with these arguments."""
    return [sys.executable, "-c", _START.format(module), str(HOME), *map(str, arguments)]
