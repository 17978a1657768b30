"""The inbox that the page shows: an index over the mailboxes of a mail directory. Fulfils `web.contract.Inbox`.

The loop asks threads: one for questions that are soon answered, one for searches, one for changes, and two that ask
processes to open messages, so that a large message keeps no small one waiting. A process keeps the index; what it tells goes
to those who watch. Knows nothing about HTTP.
"""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from inbox.index.catalogue import Catalogue, Place, Selected
from inbox.search.query import QueryError
from reactor.companion import Companion
from reactor.loop import Reactor
from reactor.offload import Offload
from web.contract import Away, Changes, Content, Mail, Mailbox, Mistake, Page, Row, Selection, Sight

from ..commands import command_of
from ..kinds import POSTGRES
from .opener import Answer, Opener
from .standing import Standing, parsed

log = logging.getLogger("carteiro")

LARGE = 256 << 10
"""Octets from which a message is large."""

REST = 30.0
"""Seconds between two looks what is not needed any more: processes that open messages, and memory."""

RETRIES = 8
PAUSE = 0.25
"""A message that is not where the index has it is looked for so many times, with this pause in seconds. Meanwhile the
mailbox is read again. One that is away is looked for once more."""

T = TypeVar("T")


class IndexedInbox:
    """Mail in a mail directory, whose mailboxes are of a kind: `mbox` or `maildir`; or in a database, and then the directory
    has only the index, and `where` says more (see `kinds.kind_of`). Raises OSError and sqlite3.Error.
    """

    def __init__(self, reactor: Reactor, directory: Path, kind: str, where: Sequence[str] = ()) -> None:
        self._reactor = reactor
        self._away = Away(kind == POSTGRES)
        self._watchers: dict[object, tuple[Sight, Callable[[Changes], None]]] = {}
        self.standing: Standing | None = None
        """How the index stood when its process was heard last."""
        self.deleted = 0
        """Messages that were deleted, those included that were taken back."""
        clerk = command_of("web.clerk", directory, kind, *where)
        self._clerk = Companion(reactor, "the index", clerk, self._heard, self._begun)
        self._clerk.start()  # it begins beside us: each has much to load
        self._questions, self._searches, self._changes = (_Catalogue(reactor, directory) for _ in range(3))
        self._small, self._large = (_Reading(reactor, command_of("web.opening", directory, kind, *where)) for _ in range(2))
        reactor.call_later(REST, self._rest)

    @property
    def restarts(self) -> int:
        """How often the process was started again that keeps the index."""
        return max(0, self._clerk.starts - 1)

    def close(self) -> None:
        """Ends its processes and threads."""
        self._clerk.close()
        for part in (self._questions, self._searches, self._changes, self._small, self._large):
            part.close()

    # Questions

    def mailboxes(self, answer: Callable[[list[Mailbox] | None], None]) -> None:
        """Lists all mailboxes by name."""
        self._questions.ask(lambda catalogue: cast(list[Mailbox], catalogue.mailboxes()), answer)

    def page(
        self, sight: Sight, selection: Selection, start: int, limit: int, answer: Callable[[Page | Mistake | None], None]
    ) -> None:
        """Finds messages."""

        def ask(catalogue: Catalogue) -> Page | Mistake:
            try:
                found = catalogue.page(sight, Selected(*selection), start, limit)
            except QueryError as error:
                return Mistake(str(error), error.at, error.kind, error.values)
            return Page(found.total, found.unread, found.found, cast(list[Row], found.rows))

        (self._questions if selection.query is None else self._searches).ask(ask, answer)

    def tags(self, sight: Sight, answer: Callable[[list[str] | None], None]) -> None:
        """Lists all tags in use."""
        self._questions.ask(lambda catalogue: catalogue.tags(sight), answer)

    # Reading

    def open(self, sight: Sight, id: str, answer: Callable[[Mail | Away | None], None]) -> None:
        """Reads a message. One that cannot be read has its source only."""

        def read(row: dict[str, Any], opened: Answer, places: list[Place]) -> None:
            if opened.status == "ok":
                mail = cast(Mail, {**opened.head[_MAIL], **row})
                mail["Envelope"]["DeliveredTo"] = _delivered_to(row, places)
                answer(mail)
            elif opened.status == "unread":
                answer(cast(Mail, {**_NOTHING, **row, "IsSourceOnly": True}))
            else:
                answer(None)

        self._read(sight, id, {"what": "mail"}, read, answer)

    def part(self, sight: Sight, id: str, part: str, answer: Callable[[Content | Away | None], None]) -> None:
        """Reads a part of a message."""

        def read(_: dict[str, Any], opened: Answer, places: list[Place]) -> None:
            head = opened.head
            is_there = opened.status == "ok"
            answer(Content(opened.body, head["type"], head["charset"], head["file_name"]) if is_there else None)

        self._read(sight, id, {"what": "part", "part": part}, read, answer)

    def octets(self, sight: Sight, id: str, answer: Callable[[bytes | Away | None], None]) -> None:
        """Reads a message as it is stored."""

        def read(_: dict[str, Any], opened: Answer, places: list[Place]) -> None:
            answer(opened.body if opened.status == "ok" else None)

        self._read(sight, id, {"what": "octets"}, read, answer)

    def _read(
        self,
        sight: Sight,
        id: str,
        request: dict[str, Any],
        read: Callable[[dict[str, Any], Answer, list[Place]], None],
        unread: Callable[[Away | None], None],
        retries: int = RETRIES,
    ) -> None:
        """Finds a message and asks a process to open it. If it is not where it was, looks again a little later. `unread` is
        told why there is none.
        """

        def located(found: tuple[dict[str, Any] | None, list[Place]] | None) -> None:
            row, places = found or (None, [])
            if row is None or not places:
                unread(None)
                return
            reading = self._large if row["Size"] > LARGE else self._small
            where = [(place.mailbox, place.place) for place in places]
            reading.ask({**request, "id": id, "places": where}, lambda answer: opened(row, places, answer))

        def opened(row: dict[str, Any], places: list[Place], answer: Answer) -> None:
            has_moved, is_away, is_first = answer.status == "moved", answer.status == "away", retries == RETRIES
            if not has_moved and not is_away:
                read(row, answer, places)
            elif (has_moved and retries) or is_first:
                for place in {place.mailbox for place in places} if has_moved and is_first else ():
                    self._clerk.say(b"again " + place.encode())
                more = request, read, unread, retries - 1
                self._reactor.call_later(PAUSE, lambda: self._read(sight, id, *more))
            else:
                unread(self._away if is_away else None)

        self._questions.ask(lambda catalogue: (catalogue.row(sight, id), catalogue.places(sight, id)), located)

    # Changes

    def mark(
        self, sight: Sight, selection: Selection, is_read: bool, answer: Callable[[int | Mistake | None], None]
    ) -> None:
        """Marks messages as read or unread."""

        def change(catalogue: Catalogue) -> int | Mistake:
            try:
                return catalogue.mark(sight, Selected(*selection), is_read)
            except QueryError as error:
                return Mistake(str(error), error.at, error.kind, error.values)

        self._change(change, answer)

    def tag(self, sight: Sight, ids: Sequence[str], tags: Sequence[str], answer: Callable[[int | None], None]) -> None:
        """Gives messages these tags."""
        self._change(lambda catalogue: catalogue.tag(sight, ids, tags), answer)

    def rename_tag(self, sight: Sight, tag: str, name: str | None, answer: Callable[[int | None], None]) -> None:
        """Renames a tag, or takes it away."""
        self._change(lambda catalogue: catalogue.rename_tag(sight, tag, name), answer)

    def delete(
        self, sight: Sight, selection: Selection, delay: float, answer: Callable[[list[str] | Mistake | None], None]
    ) -> None:
        """Deletes messages: that they are deleted is on disk when this answers."""

        def change(catalogue: Catalogue) -> list[str] | Mistake:
            try:
                return catalogue.delete(sight, Selected(*selection), delay)
            except QueryError as error:
                return Mistake(str(error), error.at, error.kind, error.values)

        def changed(result: list[str] | Mistake | None) -> None:
            self._clerk.say(b"look")
            if isinstance(result, list):
                self.deleted += len(result)
                self._tell(Changes(gone=tuple(result)))
            answer(result)

        self._changes.ask(change, changed)

    def restore(self, sight: Sight, ids: Sequence[str], answer: Callable[[int | None], None]) -> None:
        """Takes deletions back."""

        def changed(result: int | None) -> None:
            self._clerk.say(b"look")
            answer(result)

        self._changes.ask(lambda catalogue: catalogue.restore(sight, ids), changed)

    def _change(self, change: Callable[[Catalogue], T], answer: Callable[[T | None], None]) -> None:
        def changed(result: T | None) -> None:
            self._tell(Changes(is_reset=True))
            answer(result)

        self._changes.ask(change, changed)

    # Watching

    def watch(self, sight: Sight, changed: Callable[[Changes], None]) -> Callable[[], None]:
        """Calls `changed` for each change in sight."""
        key = object()
        self._watchers[key] = (sight, changed)

        def forget() -> None:
            self._watchers.pop(key, None)

        return forget

    def _tell(self, changes: Changes) -> None:
        """Tells those who watch; of messages that came, only those in sight."""
        for sight, changed in list(self._watchers.values()):
            came = [row for row in changes.came if sight is None or sight in row["Mailboxes"]]
            if came or changes.gone or changes.is_reset:
                rows = came if sight is None else [cast(Row, {**row, "Mailboxes": [sight]}) for row in came]
                try:
                    changed(changes._replace(came=tuple(rows)))
                except Exception:
                    log.exception("a change could not be told")

    def _heard(self, line: bytes) -> None:
        """The clerk tells what it has put in the index."""
        told = json.loads(line)
        if standing := parsed(told):
            self.standing = standing
            return
        if told["reset"]:
            self._tell(Changes(is_reset=True))
            return
        ids = list(dict.fromkeys(id for id, _ in told["come"]))

        def listed(page: Page | Mistake | None) -> None:
            if isinstance(page, Page):
                self._tell(Changes(came=tuple(reversed(page.rows))))

        if self._watchers:
            self.page(None, Selection(ids), 0, len(ids), listed)

    def _begun(self) -> None:
        self._tell(Changes(is_reset=True))

    def _rest(self) -> None:
        for part in (self._questions, self._searches, self._changes, self._small, self._large):
            part.rest()
        self._reactor.call_later(REST, self._rest)


def _delivered_to(row: dict[str, Any], places: list[Place]) -> list[str]:
    """Whoever a message was delivered to, in the order of its fields: each mailbox knows only its own part of it."""
    named = [address["Address"].lower() for field in ("To", "Cc", "Bcc") for address in row[field]]
    order = {address: number for number, address in reversed(list(enumerate(named)))}
    paths = dict.fromkeys(path for place in places for path in place.delivered)
    return sorted(paths, key=lambda path: order.get(path.lower(), len(named)))


class _Catalogue:
    """A thread with the index open."""

    def __init__(self, reactor: Reactor, directory: Path) -> None:
        self._thread = Offload(reactor)
        self._catalogue = Catalogue(directory)
        self._is_used = False

    def ask(self, question: Callable[[Catalogue], T], answer: Callable[[T | None], None]) -> None:
        """Asks the index; answers None if that fails."""
        self._is_used = True

        def ask() -> T:
            self._catalogue.renew()
            return question(self._catalogue)

        self._thread.submit(ask, answer)

    def rest(self) -> None:
        """Gives back memory if nothing was asked since the last rest."""
        if not self._is_used:
            self._thread.submit(self._catalogue.rest, lambda _: None)
        self._is_used = False

    def close(self) -> None:
        self._thread.close()


class _Reading:
    """A thread that asks a process to open messages."""

    def __init__(self, reactor: Reactor, command: Sequence[str]) -> None:
        self._thread = Offload(reactor)
        self._opener = Opener(command)

    def ask(self, request: dict[str, Any], answer: Callable[[Answer], None]) -> None:
        """Asks the process; `answer` gets what it says."""

        def answered(result: Answer | None) -> None:
            answer(result or Answer({"status": "unread"}, b""))

        def ask() -> Answer:
            said = self._opener.ask(request)
            if request["what"] != "mail" or said.status != "ok":
                return said
            # Megabytes of JSON take 30 ms to read: here others have their turn before as much time goes to writing them.
            return Answer({**said.head, _MAIL: json.loads(said.body)}, b"")

        self._thread.submit(ask, answered)

    def rest(self) -> None:
        """Ends the process if it is not needed any more."""
        self._thread.submit(self._opener.rest, lambda _: None)

    def close(self) -> None:
        self._opener.close()
        self._thread.close()


_MAIL = "mail"
"""Where an answer has the message that was read from its body."""

_NOTHING: dict[str, Any] = {
    "ReturnPath": "", "Date": "", "Text": "", "HasText": False, "HTML": "", "Inline": [], "Files": [], "Parts": [],
    "ListUnsubscribe": {"Header": "", "Links": [], "Errors": "", "HeaderPost": ""}, "Header": [], "Notes": [], "Events": [],
    "Envelope": {
        "ReturnPath": "", "DeliveredTo": [], "Client": "", "Address": "", "Protocol": "", "Id": "", "Received": "",
    },
}  # fmt: skip
"""What a message says that cannot be read."""
