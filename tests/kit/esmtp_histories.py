"""Random histories of RFC 5321's dialect, compared with the rules in prose. Nothing here is read from the table."""

import re
from random import Random
from typing import ClassVar

from protocol.engine.dialect import Dialect

from .esmtp_dialogues import Talk
from .esmtp_ordering import ALL, ALL_WRONG, CHECKED, FAILED, LIMIT, LOOP, NAME, SECRET, SECURED, STORED, WRONG, Known
from .support import Kept
from .walks import Step, either, in_any_case, octets, one, some, step, steps_of

USER = one(["johndoe", "JhaneRoe", '"babydoe"'])
DOMAIN = one(["here", "[192.0.2.7]", "a.b.example"])
NOBODY = one(["nobody@here", "john.doe@here", "postmaster@here", '""@here'])
SENDER = one(["", "a@b", "x+y@sub.example", '"a b"@c'])
EXTRAS = one(["", " size=100", " body=8BITMIME", " SMTPUTF8", " body=7bit size=0"])
PIECE = either(one([b"", b"\r", b"\n", b"a\r\n", b".\r\n", b"quit\r\n", b"\0", b"x" * 2600, b"x" * 5001]), octets(8))
LINES = some(either(lambda random: octets(9)(random).replace(b"\n", b""), one([b".", b"..", b"quit", b"a\nb", b""])), 4)
BOOL = one([False, True])
JUNK = one(["", ".", "foo", "hel", "x" * 13_000, "\0", "e\x80hlo", "AUTHX plain", "*"])
ANY_TIME = {
    "NOOP x": 250,
    "Help mail": 214,
    "vrfy <johndoe@here>": 250,
    "VRFY JohnDoe": 250,
    "vrfy nobody": 550,
    "Expn list": 502,
}
WRITTEN_WRONG = one(["ehlo", "helo ", "noop \x01", "rset x", "quit x", "help \x01", "vrfy", "expn", "helo []"])


class Ordering:
    """A client that says anything at any time, and a model of the rules in prose.

    The model knows: whether the client is known and how, encrypted, authenticated; which paths are known, which chunks came.
    """

    STEPS: ClassVar[list[Step]]

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.lacks = ""
        self.is_opening = False
        self.connect()

    def connect(self) -> None:
        """Makes a new connection, with a store of its own."""
        start = Known(place="handshake", is_greeted=False) if self.is_opening else Known()
        self.talk = Talk(self.dialect, start._replace(lacks=frozenset({self.lacks})))
        self.hello = ""
        self.is_encrypted, self.is_authenticated = self.is_opening, False
        if self.is_opening:
            assert self.say("ehlo me") is None and self.code(self.talk.take(SECURED, 0)) == 220
        self.kept: list[tuple[str, Kept]] = []
        self.protocols: list[str] = []
        self.forget()

    def forget(self) -> None:
        """Forgets the transaction."""
        self.reverse_path: str | None = None
        self.recipients: list[str] = []
        self.chunks: bytes | None = None
        self.is_binary = False

    def say(self, line: str, stored: str = STORED) -> int | None:
        """Says a line, lets pending answers arrive, and returns the reply's code."""
        replies = self.talk.take(line, 0)
        for verb in (stored, CHECKED):
            replies += self.talk.take(verb, 0)
        return self.code(replies)

    def code(self, replies: list[str]) -> int | None:
        """The code of the reply, if there is one; fails if there are several."""
        assert len(replies) <= 1
        return int(replies[0][:3]) if replies else None

    def out_of_order(self, is_transaction_begun: bool) -> bool:
        """Whether MAIL, STARTTLS and AUTH are out of order; or RCPT and everything that needs recipients."""
        return not self.hello or (self.reverse_path is not None) != is_transaction_begun

    def begin(self, random: Random) -> None:
        """Begins somewhere in a dialogue: few random sequences get far."""
        known = random.choice(["nobody", "client", "reverse-path", "recipient", "chunk", "message"])
        is_encrypted, is_authenticated = random.choice([False, True]), random.choice([False, True])
        hello = random.choice(["ehlo", "ehlo", "helo"])
        self.lacks = random.choice(["", "", "", "starttls", "bdat", "auth"])
        self.is_opening = is_encrypted and random.choice([False, True])
        self.connect()
        if is_encrypted and not self.is_opening and self.lacks != "starttls":
            self.a_client_says_who_it_is("ehlo", "me")
            self.starttls_forgets_all("starttls")
        if known == "nobody":
            return
        self.a_client_says_who_it_is(hello, "me")
        if is_authenticated and self.lacks != "auth":
            self.one_proof_in_a_session("auth plain", True, False)
        if known == "client":
            return
        self.mail_begins_a_transaction("mail", "a@b", "")
        if known != "reverse-path":
            self.rcpt_adds_a_recipient("rcpt", "johndoe", "here")
        if known == "chunk" and self.lacks != "bdat":
            self.bdat_takes_a_chunk("bdat", b"a\r\n", False, 1)
        if known == "message":
            self.data_takes_a_message("data", [b"text"])

    @step(verb=one(["ehlo", "helo", "EHLO", "Helo"]), name=one(["me", "[192.0.2.1]", "a_b.c"]))
    def a_client_says_who_it_is(self, verb: str, name: str) -> None:
        assert self.say(f"{verb} {name}") == 250
        self.hello = verb.upper()
        self.forget()

    @step(verb=in_any_case("mail"), sender=SENDER, extras=EXTRAS)
    def mail_begins_a_transaction(self, verb: str, sender: str, extras: str) -> None:
        code = self.say(f"{verb} from:<{sender}>{extras}")
        if self.out_of_order(False):
            assert code == 503
        elif (extras and self.hello == "HELO") or ("BINARYMIME" in extras and self.lacks == "bdat"):
            assert code == 555
        else:
            assert code == 250
            self.reverse_path = sender
            self.protocol = "UTF8SMTP" if "SMTPUTF8" in extras else "SMTP" if self.hello == "HELO" else "ESMTP"

    @step(sender=SENDER)
    def binary_content_comes_in_chunks(self, sender: str) -> None:
        is_late = self.out_of_order(False)
        self.mail_begins_a_transaction("mail", sender, " body=BINARYMIME")
        self.is_binary = self.is_binary if is_late else self.reverse_path is not None

    @step(verb=in_any_case("rcpt"), user=USER, domain=DOMAIN)
    def rcpt_adds_a_recipient(self, verb: str, user: str, domain: str) -> None:
        code = self.say(f"{verb} to:<{user}@{domain}>")
        if self.out_of_order(True) or self.chunks is not None:
            assert code == 503
        else:
            assert code == 250
            self.recipients.append(f"{user}@{domain}")

    @step(address=NOBODY)
    def rcpt_to_nobody_changes_nothing(self, address: str) -> None:
        assert self.say(f"rcpt to:<{address}>") == (503 if self.out_of_order(True) or self.chunks is not None else 550)

    @step(verb=in_any_case("data"), lines=LINES, stored=one([STORED, STORED, STORED, FAILED]))
    def data_takes_a_message(self, verb: str, lines: list[bytes], stored: str = STORED) -> None:
        code = self.say(verb)
        if not self.recipients or self.chunks is not None or self.is_binary:
            assert code == 503
            return
        assert code == 354
        content = b"".join(line + b"\r\n" for line in lines)
        sent = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
        assert self.talk.client.send(sent) == []
        self.content_ends(self.say(".", stored), content, stored == FAILED)

    @step(piece=PIECE, is_last=BOOL, verb=in_any_case("bdat"), cut=one(range(9)))
    def bdat_takes_a_chunk(self, verb: str, piece: bytes, is_last: bool, cut: int) -> None:
        """Sends a chunk, cut anywhere, with another command right behind it."""
        sent = f"{verb} {len(piece)}{' LAST' * is_last}\r\n".encode() + piece
        heard = self.talk.client.send(sent[: -cut or None]) + (self.talk.client.send(sent[-cut:]) if cut else [])
        code = self.code([line.decode() for line in heard] + self.talk.take(STORED, 0))
        if not self.recipients or self.lacks == "bdat":
            assert code == (502 if self.recipients else 503)
            return
        content = (self.chunks or b"") + piece
        if is_last or len(content) > LIMIT:
            self.content_ends(code, content)
        else:
            assert code == 250
            self.chunks = content

    def content_ends(self, code: int | None, content: bytes, has_failed: bool = False) -> None:
        """The message is kept or refused; either way the transaction is over."""
        has_bare_newline = re.search(rb"(?<!\r)\n|\r(?!\n)", content) and not self.is_binary
        assert code == (552 if len(content) > LIMIT else 550 if has_bare_newline else 452 if has_failed else 250)
        if code == 250:
            letters = "S" * self.is_encrypted + "A" * self.is_authenticated
            self.protocols.append(("ESMTP" if letters and self.protocol == "SMTP" else self.protocol) + letters)
            by_box: dict[str, list[str]] = {}
            for path in dict.fromkeys(self.recipients):  # one copy a mailbox, with all forward-paths that led to it
                by_box.setdefault(path.rsplit("@", 1)[0].strip('"').lower(), []).append(path)
            for box, paths in by_box.items():
                self.kept.append((box, Kept((self.reverse_path or "").encode(), ", ".join(paths).encode(), content)))
        self.forget()

    @step()
    def a_loop_is_refused(self) -> None:
        if self.recipients and self.chunks is None and not self.is_binary:
            assert self.say("data") == 354 and self.say(LOOP) is None and self.say(".") == 554
            self.forget()

    @step(verb=in_any_case("rset"))
    def rset_forgets_the_transaction(self, verb: str) -> None:
        assert self.say(verb) == 250
        self.forget()

    @step(verb=in_any_case("starttls"))
    def starttls_forgets_all(self, verb: str) -> None:
        """Input behind STARTTLS, sent in the clear, is not carried out."""
        code = self.code(self.talk.take(f"{verb}", 0))
        if self.out_of_order(False) or self.is_encrypted or self.is_authenticated or self.lacks == "starttls":
            is_late = self.out_of_order(False) or self.is_encrypted or self.is_authenticated
            assert code == (503 if is_late else 502)
            return
        assert code == 220 and self.say("ehlo me") is None
        assert self.talk.take(SECURED, 0) == []
        self.hello, self.is_encrypted = "", True

    @step(
        verb=one(["auth plain", "AUTH LOGIN", "auth Plain", "Auth login"]),
        is_right=BOOL,
        is_short=BOOL,
    )
    def one_proof_in_a_session(self, verb: str, is_right: bool, is_short: bool) -> None:
        is_plain = "plain" in verb.lower()
        answers = [ALL if is_right else ALL_WRONG] if is_plain else [NAME, SECRET if is_right else WRONG]
        first = f"{verb} {answers.pop(0)}" if is_short else verb
        if self.out_of_order(False) or self.is_authenticated or self.lacks == "auth":
            assert self.say(first) == (503 if self.out_of_order(False) or self.is_authenticated else 502)
            return
        for line in (first, *answers[:-1]) if answers else ():
            assert self.say(line) == 334
        assert self.say(answers[-1] if answers else first) == (235 if is_right else 535)
        self.is_authenticated = is_right

    @step(answer=one(["*", "!", "quit\0", "abc"]))
    def what_is_no_answer_ends_the_attempt(self, answer: str) -> None:
        if not self.out_of_order(False) and not self.is_authenticated and self.lacks != "auth":
            assert self.say("auth login") == 334
            assert self.say(answer) == 501

    @step(line=one([*ANY_TIME]))
    def what_can_come_at_any_time_changes_nothing(self, line: str) -> None:
        assert self.say(line) == ANY_TIME[line]

    @step(line=JUNK)
    def what_is_no_command_changes_nothing(self, line: str) -> None:
        assert self.say(line) == 500

    @step(line=WRITTEN_WRONG)
    def what_is_written_wrong_changes_nothing(self, line: str) -> None:
        assert self.say(line) == 501

    @step(verb=in_any_case("quit"))
    def quit_can_come_at_any_time(self, verb: str) -> None:
        assert self.say(verb) == 221
        assert self.talk.client.session.is_finished and self.say("noop") is None
        self.end()
        self.connect()

    def check(self) -> None:
        """The session's state agrees with the model."""
        if not self.hello:
            known = "FRESH" if self.is_encrypted else "START"
        elif self.reverse_path is None:
            known = (("CLIENT", "KNOWN"), ("SECURE", "PROVED"))[self.is_encrypted][self.is_authenticated]
        else:
            known = "CHUNKED" if self.chunks is not None else "FORWARD" if self.recipients else "REVERSE"
        assert self.talk.client.session.state.name == known

    def end(self) -> None:
        """The store has the accepted messages, each once, in order, with the right trace fields."""
        store = self.talk.client.store
        expected: dict[str, list[Kept]] = {}
        for box, kept in self.kept:
            expected.setdefault(box, []).append(kept)
        assert store.boxes == expected
        assert [re.findall(rb" with (\S+) id", trace)[0].decode() for trace in store.traces] == self.protocols


Ordering.STEPS = steps_of(Ordering)
