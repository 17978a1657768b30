"""A stream of what changes in sight, for pages that show a list."""

from collections.abc import Callable

from ..contract import Changes, Inbox, Sight
from ..events import EventStream, Streams
from ..request import Request
from ..response import Reply

MOST_AT_ONCE = 100
"""Messages that an event tells of; if there are more, the list is to be asked for again."""


class ChangeStreams:
    """The action that streams. Events are `came`, `gone` and `reset`: ask again, since more has changed than is told."""

    def __init__(self, inbox: Inbox, streams: Streams) -> None:
        self._inbox = inbox
        self._streams = streams

    def stream(self, request: Request, reply: Reply) -> None:
        """Begins a stream. A client that comes back hears `reset`, since it may have missed something."""

        def follow(stream: EventStream) -> Callable[[], None]:
            if "last-event-id" in request.fields:
                stream.send("reset", {})
            return self._follow(request.sight, stream)

        self._streams.open(request, reply, follow)

    def _follow(self, sight: Sight, stream: EventStream) -> Callable[[], None]:
        def changed(changes: Changes) -> None:
            if changes.is_reset or len(changes.came) > MOST_AT_ONCE or len(changes.gone) > MOST_AT_ONCE:
                stream.send("reset", {})
                return
            if changes.came:
                stream.send("came", {"messages": changes.came})
            if changes.gone:
                stream.send("gone", {"ids": changes.gone})

        return self._inbox.watch(sight, changed)
