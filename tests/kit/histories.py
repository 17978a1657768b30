"""Random histories of the classic dialect, compared with the rules in prose. Nothing here is read from the table."""

import shutil
import tempfile
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import Any, ClassVar
from unittest.mock import patch

from protocol.engine.dialect import Dialect
from protocol.engine.environment import Site
from protocol.engine.session import Session
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore

from .ordering import DATA, HELO, MAIL, QUIT
from .support import NOW, USERS, DiskIsFull, Kept, MemoryStore, as_stored, find_user, read_mailbox
from .walks import Step, either, in_any_case, octets, one, some, step, steps_of, text_of

WORD = text_of("abcXYZ-.0123[]()\\%é", 8, least=1)
BLANKS = one(["", " ", "\t", "  "])
USER = one(["johndoe", "JOHNDOE", "babydoe@example", "JhaneRoe@a@b", "<johndoe>", "<BabyDoe@x.example>"])
NOBODY = one(["nobody", "<nobody@x>", "../johndoe", "johndoe/", "@johndoe", "johndoe@x@", "%6aohndoe"])
SENDER = either(one(["<>"]), USER, lambda random: f"{WORD(random)}@x")
JUNK = either(
    one(["", ".", "ehlo x", "noop", "rset", "helo", "helo a b", "mail from:", "mail from: a b", "mail from:<a"]),
    one(["rcpt to:", "rcpt to:<>", "rcpt to: a b", "data x", "quit x", "x" * 1200, "mailfrom: a", "MAIL TO: a"]),
    lambda random: "z" + octets(10)(random).decode("latin-1").replace("\n", ""),
)
TEXT = some(
    either(
        lambda random: octets(20)(random).replace(b"\n", b""),
        one([b"From me", b">From me", b".", b"..", b"Subject: x", b"", b"quit"]),
    ),
    5,
)


class Places:
    """A store, or a full one: `is_full` decides when a message begins."""

    def __init__(self, store: JournalledStore) -> None:
        self._store = store
        self.full = MemoryStore()
        self.full.fault = DiskIsFull()
        self.is_full = False

    def begin(self, *message: Any) -> Any:
        return self.full.begin(*message) if self.is_full else self._store.begin(*message)


class Ordering:
    """A client that says anything at any time, and a model of the rules in prose.

    The model knows: whether the client is known, the reverse-path, the forward-path, and the accepted messages.
    """

    STEPS: ClassVar[list[Step]]

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.directory = Path(tempfile.mkdtemp())
        with patch("storage.journal.journal.WRITTEN_AHEAD", 0):  # thousands of stores would write 16 MiB each
            self.store = JournalledStore(self.directory, MboxMailboxes)
        self.places = Places(self.store)
        self.kept: dict[str, list[Kept]] = {user: [] for user in USERS}
        self.connect()

    def connect(self) -> None:
        """Makes a new connection; the mailboxes stay."""
        site = Site(self.dialect, b"mx.test", find_user, self.places, lambda: NOW, 500)
        self.session = Session(site, "192.0.2.1", lambda words, *values: None, lambda: None)
        self.session.open()
        self.client_known = False
        self.reverse_path: str | None = None
        self.forward_path: str | None = None
        self.accepted_here = 0
        assert self.hear() == [b"220 mx.test carteiro SMTP at your service"]

    def hear(self) -> list[bytes]:
        """Makes all turns that are due, and returns the replies."""
        while True:
            self.store.settle()
            self.places.full.settle()
            before = len(self.session.outgoing)
            self.session.resume()
            if len(self.session.outgoing) == before:
                break
        heard = bytes(self.session.outgoing).split(b"\r\n")[:-1]
        self.session.outgoing.clear()
        return heard

    def say(self, line: str | bytes) -> list[bytes]:
        """Says a line, and returns its replies."""
        self.session.receive((line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass")) + b"\r\n")
        return self.hear()

    def refused(self, line: str) -> None:
        """Says a line, which must get a 500."""
        assert self.say(line) == [b"500 Syntax error, command unrecognized"]

    def begin(self, random: Random) -> None:
        """Begins somewhere in a dialogue: few random sequences get far."""
        opening = random.randrange(7)
        if opening >= 1:
            self.helo_is_accepted_once_and_first("helo", "me", " ")
        if opening >= 4:
            self.accept_a_message([b"text"])
        if opening in (2, 3, 5, 6):
            self.mail_from_begins_a_transaction("mail", "from", "<>", " ")
        if opening in (3, 6):
            self.rcpt_to_names_one_user("rcpt", "to", "johndoe", " ")

    def accept_a_message(self, lines: list[bytes]) -> None:
        """Makes a whole transaction."""
        self.mail_from_begins_a_transaction("mail", "from", "<>", " ")
        self.rcpt_to_names_one_user("rcpt", "to", "johndoe", " ")
        self.data_takes_a_message("data", lines)

    @step(verb=in_any_case("helo"), name=WORD, blanks=BLANKS)
    def helo_is_accepted_once_and_first(self, verb: str, name: str, blanks: str) -> None:
        line = f"{verb} {blanks}{name}{blanks}"
        if self.client_known:
            self.refused(line)
        else:
            assert self.say(line) == [b"250 Hello %b, pleased to meet you" % name.encode()]
            self.client_known = True

    @step(verb=in_any_case("mail"), word=in_any_case("from"), address=SENDER, blanks=BLANKS)
    def mail_from_begins_a_transaction(self, verb: str, word: str, address: str, blanks: str) -> None:
        line = f"{verb} {word}:{blanks}{address}"
        if not self.client_known or self.reverse_path is not None:
            self.refused(line)
        else:
            path = lower(address)
            assert self.say(line) == [b"250 %b Sender ok" % (path.encode() or b"<>")]
            self.reverse_path = path

    @step(verb=in_any_case("rcpt"), word=in_any_case("to"), address=USER, blanks=BLANKS)
    def rcpt_to_names_one_user(self, verb: str, word: str, address: str, blanks: str) -> None:
        line = f"{verb} {word}:{blanks}{address}"
        if self.reverse_path is None or self.forward_path is not None:
            self.refused(line)
        else:
            self.answer_recipient(line, lower(address))

    def answer_recipient(self, line: str, path: str) -> None:
        """Says a RCPT. The part before the last @ decides whether the recipient is known."""
        name = path.rsplit("@", 1)[0]
        if name in USERS:
            assert self.say(line) == [b"250 %b Recipient ok" % path.encode()]
            self.forward_path = path
        else:
            assert self.say(line) == [b"550 Address unknown"]
            self.reverse_path = None

    @step(verb=in_any_case("rcpt"), address=NOBODY, blanks=BLANKS)
    def rcpt_to_nobody_ends_the_transaction(self, verb: str, address: str, blanks: str) -> None:
        line = f"{verb} to:{blanks}{address}"
        if self.reverse_path is None or self.forward_path is not None:
            self.refused(line)
        else:
            self.answer_recipient(line, lower(address))

    @step(verb=in_any_case("data"))
    def what_cannot_be_stored_is_refused_at_its_end(self, verb: str) -> None:
        if self.forward_path is None:
            self.refused(verb)
            return
        self.places.is_full = True
        assert self.say(verb)[0].startswith(b"354")
        self.places.is_full = False
        assert self.say("text") == [] and self.say(".")[0].startswith(b"452")
        self.reverse_path = self.forward_path = None

    @step(verb=in_any_case("data"), lines=TEXT)
    def data_takes_a_message(self, verb: str, lines: list[bytes]) -> None:
        if self.forward_path is None:
            self.refused(verb)
            return
        assert self.say(verb) == [b'354 Enter mail, end with "." on a line by itself']
        for line in lines:
            assert self.say(b"." + line if line.startswith(b".") else line) == []
        assert self.say(".") == [b"250 Message accepted for delivery"]
        content = b"".join(line + b"\r\n" for line in lines)
        self.keep(content)

    def keep(self, content: bytes) -> None:
        """The mailbox has one message more, and the transaction is over."""
        assert self.reverse_path is not None and self.forward_path is not None
        box = self.kept[self.forward_path.rsplit("@", 1)[0]]
        box.append(Kept(self.reverse_path.encode(), self.forward_path.encode(), as_stored(content)))
        self.accepted_here += 1
        self.reverse_path = self.forward_path = None

    @step(verb=in_any_case("data"))
    def too_much_data_is_refused_at_its_end(self, verb: str) -> None:
        if self.forward_path is None:
            self.refused(verb)
            return
        assert self.say(verb)[0].startswith(b"354")
        assert self.say("x" * 501) == []
        assert self.say("quit") == []
        assert self.say(".") == [b"552 Message larger than 500 octets"]
        self.reverse_path = self.forward_path = None

    @step(verb=in_any_case("quit"))
    def quit_comes_between_transactions_and_after_a_message(self, verb: str) -> None:
        if self.reverse_path is None and self.accepted_here:
            assert self.say(verb) == [b"221 mx.test closing connection"]
            assert self.session.is_finished
            assert self.say("helo me") == []
            self.connect()
        else:
            self.refused(verb)

    @step(line=JUNK)
    def what_is_no_command_changes_nothing(self, line: str) -> None:
        self.refused(line)

    @step(lines=some(one([HELO, MAIL, DATA, QUIT, "noop"]), 5, least=2))
    def lines_in_one_segment_are_answered_as_if_they_came_alone(self, lines: list[str]) -> None:
        """Before HELO, only HELO and then one MAIL are allowed."""
        if self.client_known:
            return
        self.session.receive("".join(f"{line}\r\n" for line in lines).encode())
        before_helo = len(list(takewhile(lambda line: line != HELO, lines)))
        codes, mail_given = [500] * before_helo, False
        for position, line in enumerate(lines[before_helo:]):
            allowed = position == 0 or (line == MAIL and not mail_given)
            mail_given = mail_given or (allowed and position > 0)
            codes.append(250 if allowed else 500)
        assert [int(reply[:3]) for reply in self.hear()] == codes
        self.client_known = before_helo < len(lines)
        self.reverse_path = "a@b" if mail_given else None

    def check(self) -> None:
        """The session's state agrees with the model."""
        if not self.client_known:
            known = "START"
        elif self.reverse_path is None:
            known = "SERVED" if self.accepted_here else "CLIENT"
        else:
            known = "REVERSE" if self.forward_path is None else "FORWARD"
        assert self.session.state.name == known

    def end(self) -> None:
        """The mailboxes hold the accepted messages, each once, in order."""
        try:
            self.store.close()
            found: dict[str, list[Kept]] = {user: read_mailbox(self.directory / f"{user}.txt") for user in USERS}
            assert found == self.kept
            assert {path.name for path in self.directory.iterdir()} <= {".journal", *(f"{user}.txt" for user in USERS)}
        finally:
            shutil.rmtree(self.directory)


def lower(address: str) -> str:
    """An address as it is compared and echoed: ASCII letters in lower case, no angle brackets."""
    bare = address.removeprefix("<").removesuffix(">")
    return "".join(letter.lower() if letter.isascii() else letter for letter in bare)


Ordering.STEPS = steps_of(Ordering)
