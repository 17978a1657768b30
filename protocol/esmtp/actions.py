"""The actions of the dialect of RFC 5321: what its commands do.

Knows nothing about when a command is allowed.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, ClassVar

from ..engine import replies
from ..engine.actions import Chunk, Outcome
from ..engine.buffer import Buffer
from ..engine.environment import Report, Site
from ..engine.events import Event
from ..engine.replies import Reply
from ..engine.table import Row
from ..mail import transaction
from ..mail.content import MAX_RECEIVED, Hops, Newlines
from ..mail.credentials import Auth, Proof
from ..mail.transaction import Transaction
from . import extensions
from .extensions import Wish
from .grammar import MAX_LINE, WORDING, Client, Envelope, mailbox_of
from .paths import Path
from .tolerance import Tolerance

_NO_WISH = Wish()

_ANY_DOMAIN = b"any.invalid"
"""Stands in for a missing domain."""


class EsmtpActions:
    """Several recipients, each of them a known mailbox; content by DATA or BDAT; TLS and authentication."""

    __slots__ = (
        "_address", "_buffer", "_client", "_hops", "_is_extended", "_let_pass", "_messages", "_newlines", "_proof",
        "_report", "_site", "_transaction", "_wish", "home",
    )  # fmt: skip

    home: Row

    def __init__(self, site: Site, address: str, report: Report, buffer: Buffer) -> None:
        buffer.demand_crlf(MAX_LINE)
        self._site = site
        self._address = address
        self._report = report
        self._buffer = buffer
        self._transaction = Transaction(site, report)
        self._let_pass: frozenset[Tolerance] = frozenset()
        self._messages = 0
        self._newlines: Newlines | None = None
        self._hops: Hops | None = None
        self._wish = _NO_WISH
        self._start_anew()

    def _start_anew(self) -> None:
        self._client = transaction.Client(b"", self._address)
        self._is_extended = False
        self._proof = Proof(self._report, WORDING)

    @property
    def is_coded(self) -> bool:
        """Whether replies carry enhanced status codes."""
        return not self._hides("ENHANCEDSTATUSCODES")

    def _hides(self, extension: str) -> bool:
        return extensions.is_hidden(self._site, extension)

    @property
    def greeting(self) -> Reply:
        """The first reply on the connection."""
        return replies.READY.about(self._site.hostname)

    # The client: greeting, TLS, authentication

    def _meet(self, client: Client, is_extended: bool) -> None:
        self._client = transaction.Client(client.name, self._address, self.home.is_encrypted)
        self._is_extended = is_extended
        self.abandon()
        if client.tolerated:
            self._tolerate(client.tolerated)

    def _tolerate(self, found: tuple[Tolerance, ...]) -> None:
        """Logs what was tolerated, each kind once a session."""
        for tolerance in found:
            if tolerance not in self._let_pass:
                self._let_pass |= {tolerance}
                self._report("let pass: %s (%s)", tolerance.words, tolerance.section)

    def _ehlo(self, client: Client) -> Reply:
        self._meet(client, is_extended=True)
        lines = extensions.offered(self._site, self.home.is_encrypted, self.home.is_authenticated)
        if not lines:
            return replies.GREETS.about(self._site.hostname)
        return replies.OFFERS.about(self._site.hostname, b"\n".join(lines))

    def _helo(self, client: Client) -> Reply:
        self._meet(client, is_extended=False)
        return replies.GREETS.about(self._site.hostname)

    def _starttls(self, _: bytes) -> Reply:
        if not self._site.policy.has_tls or self._hides("STARTTLS"):
            return replies.NOT_OFFERED
        return replies.START_TLS

    def secured(self) -> None:
        """The connection is now encrypted. Forgets everything that the client has said so far (RFC 3207 section 4.2)."""
        self._start_anew()
        self._buffer.clear()  # plain text after STARTTLS may come from an attacker (RFC 3207 section 6)

    def _auth(self, auth: Auth) -> Outcome:
        policy = self._site.policy
        if policy.authenticate is None or self._hides("AUTH"):
            return replies.NOT_OFFERED
        if not self.home.is_encrypted and not policy.authenticates_in_clear:
            return replies.ENCRYPTION_REQUIRED
        return self._proof.begin(auth, policy.authenticate, policy.accepts_any)

    def take_response(self, line: bytes) -> tuple[Event, Outcome]:
        """Takes the response to a challenge."""
        return self._proof.take_response(line)

    # The envelope: sender and recipients

    def _not_yet(self) -> Reply | None:
        """The refusal for a client that must use TLS or authenticate first, or None."""
        policy = self._site.policy
        if policy.requires_tls and not self.home.is_encrypted:
            return replies.TLS_FIRST
        return replies.AUTH_FIRST if policy.requires_authentication and not self.home.is_authenticated else None

    def _mail(self, envelope: Envelope) -> Reply:
        policy = self._site.policy
        refusal = self._not_yet()
        if refusal:
            return refusal
        if self._messages == policy.max_messages > 0:
            return replies.TOO_MANY_MESSAGES.about(policy.max_messages)
        fault = self._site.refusal()
        if fault:
            return transaction.FAULTS[fault.kind]
        wish = self._wished(envelope) if envelope.parameters else _NO_WISH
        if isinstance(wish, Reply):
            return wish
        if not envelope.path.is_ascii and not wish.has_utf8:
            return replies.NEEDS_UTF
        self._wish = wish
        if envelope.tolerated:
            self._tolerate(envelope.tolerated)
        self._transaction.begin(envelope.path.text)
        return replies.SENDER_TAKEN

    def _wished(self, envelope: Envelope) -> Wish | Reply:
        """Only a client that has sent EHLO may use parameters."""
        return extensions.wish(self._site, envelope) if self._is_extended else replies.UNKNOWN_PARAMETER

    def _rcpt(self, envelope: Envelope) -> Reply:
        policy, path = self._site.policy, envelope.path
        if envelope.parameters:
            return replies.UNKNOWN_PARAMETER
        if len(self._transaction.recipients) >= policy.max_recipients:
            return replies.TOO_MANY_RECIPIENTS.about(policy.max_recipients)
        if not path.is_ascii and not self._wish.has_utf8:
            return replies.NEEDS_UTF
        if path.domain and policy.domains and path.domain not in policy.domains:
            return replies.NO_RELAY
        mailbox = self._mailbox(path)
        if not isinstance(mailbox, str):
            return mailbox or replies.MAILBOX_UNKNOWN
        if envelope.tolerated:
            self._tolerate(envelope.tolerated)
        self._transaction.recipients.append((mailbox, path.text))
        return replies.RECIPIENT_TAKEN

    def _mailbox(self, path: Path) -> str | Reply | None:
        """The mailbox of a path, as `FindMailbox` has it. The name postmaster always has one (RFC 5321 section 4.5.1)."""
        name = path.local_part.lower()
        return self._site.find_mailbox(name) or (self._site.policy.postmaster() if name == b"postmaster" else None)

    def _vrfy(self, text: bytes) -> Reply:
        refusal = self._not_yet()
        if refusal:
            return refusal
        if not self._site.policy.verifies:
            return replies.CANNOT_VERIFY
        asks_for_utf8 = text.upper().endswith(b" SMTPUTF8") and not self._hides("SMTPUTF8")  # RFC 6531 section 3.7.4.2
        name = (text[: -len(b"SMTPUTF8")] if asks_for_utf8 else text).strip(b" <>")
        path = mailbox_of(b"<%b>" % name) or mailbox_of(b"<%b@%b>" % (name, _ANY_DOMAIN))
        if path is None:
            return replies.SYNTAX.about(b"VRFY address")
        if not path.is_ascii and not asks_for_utf8:
            return replies.NEEDS_UTF
        mailbox = (
            self._mailbox(path) if path.domain in (_ANY_DOMAIN, *(self._site.policy.domains or [path.domain])) else None
        )
        if mailbox is None:
            return replies.MAILBOX_UNKNOWN
        if isinstance(mailbox, Reply):
            return replies.CANNOT_VERIFY
        domain = self._site.hostname if path.domain == _ANY_DOMAIN else path.domain
        return replies.MAILBOX_EXISTS.about(path.text.rpartition(b"@")[0], domain)

    # The content

    def _data(self, _: bytes) -> Reply:
        if self._wish.is_binary:
            return replies.BINARY_NEEDS_BDAT
        self._buffer.begin_content()
        self._open(is_stuffed=True)
        return replies.START_MAIL_INPUT

    def _bdat(self, chunk: Chunk) -> Reply | None:
        if self._hides("CHUNKING"):
            return replies.NOT_OFFERED
        if chunk.flaw:
            return chunk.flaw
        if not self._transaction.is_open:
            self._open(is_stuffed=False)
        self._buffer.begin_chunk(chunk.size)
        return None

    def _open(self, is_stuffed: bool) -> None:
        self._hops = Hops()
        self._newlines = Newlines(self._site.policy.mends_newlines, is_stuffed)
        user = self._proof.shown_name if self.home.is_authenticated else None
        self._transaction.open(self._client, self._protocol(), user, self._wish.is_binary)

    def _protocol(self) -> bytes:
        """The "with" word (RFC 5321 section 4.4, RFC 3848, RFC 6531 section 3.7.3)."""
        home = self.home
        return _PROTOCOLS[self._wish.has_utf8, self._is_extended, home.is_encrypted, home.is_authenticated]

    def write(self, piece: bytes) -> None:
        """Takes a piece of mail data."""
        assert self._hops and self._newlines, "there is a message"
        self._hops.look(piece)
        self._transaction.write(piece if self._wish.is_binary else self._newlines.passed(piece), len(piece))

    def end(self, is_whole: bool) -> Outcome:
        """Ends the message; or, if `is_whole` is false, a chunk that is not the last."""
        if not self._transaction.is_open:
            return replies.MESSAGE_TOO_LARGE.about(self._site.max_message_size)
        if not is_whole:
            return replies.CHUNK_TAKEN.about(self._transaction.octets)
        assert self._hops and self._newlines
        rest = self._newlines.rest()
        if rest:
            self._transaction.write(rest, 0)
        if self._newlines.has_bare and not self._site.policy.mends_newlines:
            self.abandon()
            return replies.BARE_NEWLINE
        if self._hops.is_loop:
            self.abandon()
            return replies.MAIL_LOOP.about(MAX_RECEIVED)
        self._messages += 1
        return self._transaction.commit  # called by the session after it has moved to STORING

    def abandon(self) -> None:
        """The transaction or the session is over: drops the message, and cancels a pending password check."""
        self._transaction.abandon()
        self._proof.take_back()

    # At any time

    def _rset(self, _: bytes) -> Reply:
        self.abandon()
        return replies.RESET_DONE

    def _noop(self, _: bytes) -> Reply:
        return replies.NOTHING_DONE

    def _help(self, _: bytes) -> Reply:
        if self._hides("HELP"):
            return replies.NOT_OFFERED
        return replies.HELP_TEXT.about(extensions.commands(self._site))

    def _expn(self, _: bytes) -> Reply:
        return replies.NOT_OFFERED

    def _quit(self, _: bytes) -> Reply:
        return replies.CLOSING.about(self._site.hostname)

    by_event: ClassVar[Mapping[Event, Callable[[Any, Any], Outcome]]] = {
        Event.EHLO: _ehlo,
        Event.HELO: _helo,
        Event.MAIL: _mail,
        Event.RCPT: _rcpt,
        Event.DATA: _data,
        Event.BDAT: _bdat,
        Event.LAST: _bdat,
        Event.RSET: _rset,
        Event.NOOP: _noop,
        Event.HELP: _help,
        Event.VRFY: _vrfy,
        Event.EXPN: _expn,
        Event.STARTTLS: _starttls,
        Event.AUTH: _auth,
        Event.PROOF: _auth,
        Event.QUIT: _quit,
    }


def _protocol(has_utf8: bool, is_extended: bool, is_secure: bool, is_authenticated: bool) -> bytes:
    letters = b"S" * is_secure + b"A" * is_authenticated
    return (b"UTF8SMTP" if has_utf8 else b"ESMTP" if is_extended or letters else b"SMTP") + letters


_PROTOCOLS = {known: _protocol(*known) for known in product((False, True), repeat=4)}
