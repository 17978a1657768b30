"""The process that shows mail over HTTP: the loop and the inbox, and then all that shows it.

Its argument is JSON, the fields of `Settings`. It serves on sockets that it inherits, and ends when its standard input does.
"""

from pathlib import Path

from reactor.loop import Reactor

from .beginning import begin
from .indexed import IndexedInbox


def main() -> int:
    """Shows mail until standard input ends; returns the exit code."""
    settings = begin("page")
    reactor = Reactor()
    inbox = IndexedInbox(reactor, Path(settings.directory), settings.kind, settings.where)
    # The process that keeps the index begins beside us while this is loaded, which takes as long.
    from .presenting import present

    present(settings, reactor, inbox)
    return 0
