"""An inbox in memory: the contract of web/contract.py in the plainest way. It answers in the next turn, as others do.

What it reads of a message it reads with inbox/, at once; no message is large here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from inbox.mime.identity import identity
from inbox.mime.message import Message, message
from inbox.mime.shown import mail_of, row_of, with_hidden
from inbox.search.matching import Kept, matches
from inbox.search.query import QueryError, parse
from web.contract import Away, Changes, Content, Mail, Mailbox, Mistake, Page, Row, Selection, Sight

T = TypeVar("T")
BEGAN = datetime(2026, 11, 28, 9, tzinfo=UTC)


@dataclass
class Copy:
    """A message, who has it, and what is known of it."""

    message: Message
    came: datetime
    mailboxes: list[str]
    is_read: bool = False
    tags: list[str] = field(default_factory=list)
    hidden: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return identity(self.message.octets)

    def sees(self, sight: Sight) -> list[str]:
        """Its mailboxes in sight."""
        return [name for name in self.mailboxes if sight in (None, name)]

    def row(self, sight: Sight) -> Row:
        known = {"Read": self.is_read, "Tags": sorted(self.tags), "Mailboxes": self.sees(sight)}
        row = with_hidden(row_of(self.message, self.came), self.message.envelope.delivered_to)
        return cast(Row, {**row, **known})


class MemoryInbox:
    """All mail is in a list, oldest first. `later` makes a call in the next turn; by default it is made at once."""

    def __init__(self, later: Callable[[Callable[[], None]], None] = lambda call: call()) -> None:
        self.copies: list[Copy] = []
        self.deleted: list[tuple[str, str, float]] = []
        """Id, mailbox and delay of each deletion that was not taken back."""
        self.away: Away | None = None
        """What messages cannot be read for now."""
        self._later = later
        self._watchers: dict[object, tuple[Sight, Callable[[Changes], None]]] = {}

    def add(self, octets: bytes, *mailboxes: str) -> str:
        """A message arrives; returns its id."""
        came = BEGAN + timedelta(seconds=len(self.copies))
        copy = Copy(message(octets, came), came, list(mailboxes or ("johndoe",)))
        self.copies.append(copy)
        for sight, changed in list(self._watchers.values()):
            if copy.sees(sight):
                changed(Changes(came=(copy.row(sight),)))
        return copy.id

    def mailboxes(self, answer: Callable[[list[Mailbox] | None], None]) -> None:
        names = sorted({name for copy in self.copies for name in copy.mailboxes})
        found: list[Mailbox] = []
        for name in names:
            own = self._seen(name)
            found.append({"Name": name, "Total": len(own), "Unread": sum(not copy.is_read for copy in own)})
        self._answer(answer, found)

    def page(
        self, sight: Sight, selection: Selection, start: int, limit: int, answer: Callable[[Page | Mistake | None], None]
    ) -> None:
        found, seen = self._found(sight, selection), self._seen(sight)
        if isinstance(found, Mistake):
            self._answer(answer, found)
            return
        rows = [copy.row(sight) for copy in reversed(found)][start : start + limit]
        self._answer(answer, Page(len(seen), sum(not copy.is_read for copy in seen), len(found), rows))

    def open(self, sight: Sight, id: str, answer: Callable[[Mail | Away | None], None]) -> None:
        copy = self._copy(sight, id)
        mail = {**mail_of(copy.message, copy.came), **copy.row(sight)} if copy else None
        self._answer(answer, self.away if copy and self.away else cast(Mail | None, mail))

    def part(self, sight: Sight, id: str, part: str, answer: Callable[[Content | Away | None], None]) -> None:
        copy = self._copy(sight, id)
        if copy and self.away:
            self._answer(answer, self.away)
            return
        found = copy.message.part(part) if copy else None
        if not copy or not found:
            self._answer(answer, None)
            return
        charset = found.parameters.get("charset", "")
        self._answer(answer, Content(copy.message.content(found), found.type, charset, found.file_name))

    def octets(self, sight: Sight, id: str, answer: Callable[[bytes | Away | None], None]) -> None:
        copy = self._copy(sight, id)
        self._answer(answer, self.away if copy and self.away else copy.message.octets if copy else None)

    def mark(
        self, sight: Sight, selection: Selection, is_read: bool, answer: Callable[[int | Mistake | None], None]
    ) -> None:
        found = self._found(sight, selection)
        if not isinstance(found, Mistake):
            for copy in found:
                copy.is_read = is_read
            self._tell()
        self._answer(answer, found if isinstance(found, Mistake) else len(found))

    def tag(self, sight: Sight, ids: Sequence[str], tags: Sequence[str], answer: Callable[[int | None], None]) -> None:
        found = [copy for copy in self._seen(sight) if copy.id in ids]
        for copy in found:
            copy.tags = list(tags)
        self._tell()
        self._answer(answer, len(found))

    def tags(self, sight: Sight, answer: Callable[[list[str] | None], None]) -> None:
        self._answer(answer, sorted({tag for copy in self._seen(sight) for tag in copy.tags}))

    def rename_tag(self, sight: Sight, tag: str, name: str | None, answer: Callable[[int | None], None]) -> None:
        found = [copy for copy in self._seen(sight) if tag in copy.tags]
        for copy in found:
            copy.tags = sorted({*copy.tags, *([name] if name else [])} - {tag})
        self._answer(answer, len(found))

    def delete(
        self, sight: Sight, selection: Selection, delay: float, answer: Callable[[list[str] | Mistake | None], None]
    ) -> None:
        found = self._found(sight, selection)
        if isinstance(found, Mistake):
            self._answer(answer, found)
            return
        for copy in found:
            for name in copy.sees(sight):
                copy.mailboxes.remove(name)
                self.deleted.append((copy.id, name, delay))
        self._tell(tuple(copy.id for copy in found))
        self._answer(answer, [copy.id for copy in found])

    def restore(self, sight: Sight, ids: Sequence[str], answer: Callable[[int | None], None]) -> None:
        taken = [entry for entry in self.deleted if entry[0] in ids and sight in (None, entry[1]) and entry[2]]
        for id, name, delay in taken:
            next(copy for copy in self.copies if copy.id == id).mailboxes.append(name)
            self.deleted.remove((id, name, delay))
        self._tell()
        self._answer(answer, len({id for id, _, _ in taken}))

    def watch(self, sight: Sight, changed: Callable[[Changes], None]) -> Callable[[], None]:
        key = object()
        self._watchers[key] = (sight, changed)

        def forget() -> None:
            self._watchers.pop(key, None)

        return forget

    def _answer(self, answer: Callable[[T], None], value: T) -> None:
        self._later(lambda: answer(value))

    def _tell(self, gone: tuple[str, ...] = ()) -> None:
        for _, changed in list(self._watchers.values()):
            changed(Changes(gone=gone, is_reset=not gone))

    def _seen(self, sight: Sight) -> list[Copy]:
        return [copy for copy in self.copies if copy.sees(sight)]

    def _copy(self, sight: Sight, id: str) -> Copy | None:
        return next((copy for copy in self._seen(sight) if copy.id == id), None)

    def _found(self, sight: Sight, selection: Selection) -> list[Copy] | Mistake:
        found: Iterable[Copy] = self._seen(sight)
        if selection.ids is not None:
            found = [copy for copy in found if copy.id in selection.ids]
        elif selection.query is not None:
            try:
                query = parse(selection.query, ZoneInfo(selection.zone))
            except QueryError as error:
                return Mistake(str(error), error.at, error.kind, error.values)
            found = [copy for copy in found if matches(query, Kept(copy.message, copy.is_read, tuple(copy.tags)))]
        return list(found)
