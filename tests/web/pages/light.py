"""An inbox with as many light messages as wanted, that answers at once: for what the page does with long lists."""

from collections.abc import Callable

from web.contract import Changes, Mailbox, Mistake, Page, Row, Selection, Sight


class LightInbox:
    """What the list needs of a contract's Inbox. Message 0 is the newest."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.asked: list[tuple[int, int]] = []

    def mailboxes(self, answer: Callable[[list[Mailbox] | None], None]) -> None:
        answer([{"Name": "all", "Total": self.total, "Unread": self.total}])

    def page(
        self, sight: Sight, selection: Selection, start: int, limit: int, answer: Callable[[Page | Mistake | None], None]
    ) -> None:
        self.asked.append((start, limit))
        rows = [_row(number) for number in range(start, min(self.total, start + limit))]
        answer(Page(self.total, self.total, self.total, rows))

    def watch(self, sight: Sight, changed: Callable[[Changes], None]) -> Callable[[], None]:
        return lambda: None


def _row(number: int) -> Row:
    return {
        "ID": f"{number:022}",
        "MessageID": f"{number}@example.org",
        "Read": number % 3 == 0,
        "From": {"Name": f"Sender {number}", "Address": f"{number}@example.org"},
        "To": [],
        "Cc": [],
        "Bcc": [],
        "ReplyTo": [],
        "Subject": f"Subject number {number}",
        "Created": "2026-11-28T09:00:00.000Z",
        "Username": "",
        "Tags": [],
        "Size": 1024 + number,
        "Attachments": number % 4,
        "Snippet": "Some words that a message begins with, as many as a row can hold. " * 3,
        "Mailboxes": ["all"],
    }
