"""The dialogue with one client: bytes come in, replies go out.

Applies the cells of a table and decides nothing about order itself. Knows nothing about commands, sockets, files, clocks or
logs.
"""

from collections import deque
from collections.abc import Callable

from .actions import Actions, Chunk, Outcome, Said, Speech
from .buffer import Buffer
from .coming import Coming
from .ends import Ending
from .environment import Follow, Observer, Report, Setting
from .events import ANSWERS, Event
from .foreign import Foreign
from .line_cache import Meaning
from .refusals import OF_AUTH, Refusals
from .replies import INTERMEDIATES, REFUSALS, Reply
from .shown import shown
from .table import Mark, Resolved, Row, State

OUTPUT_LIMIT = 64 * 1024
"""Octets of unsent replies at which the session stops processing commands, until the client has read them."""

STEPS_A_TURN = 50
"""Most commands that one client may run at once; fewer when many clients are ready (`Site.share`). So a client that sends
more does not hold up the others."""

FEW = 4
"""Up to this many commands in one read are processed at once, no matter how many clients are ready."""

PIPELINED = len(b"NOOP\r\n") * STEPS_A_TURN
"""Longest batch that the fast path splits, in octets: STEPS_A_TURN of the shortest command."""

_NOBODY: Follow = deque[object](maxlen=0).append
"""Follows where there is only an observer, so that one look tells for each move whether there is anybody."""

_TEXT, _HELD, _GONE, _RESPONSE = Mark.TEXT, Mark.HELD, Mark.GONE, Mark.RESPONSE
_IN_LINES = (None, _RESPONSE)  # in these states input is read line by line


class Session:
    """The server's side of one connection.

    The caller passes the client's bytes to `receive` and its end of file to `end_of_input`. Replies collect in `outgoing`;
    the caller removes from its front what it has sent. `interest` stays the same object while `is_finished`, `wants_tls`,
    `patience`, and `takes_input` (ignoring `is_behind`) are unchanged. The session calls `wake` when the answer it waits for
    has arrived; the caller then calls `resume`. With `is_encrypted` the session sends nothing before `secured` is called. An
    `observer` follows everything that happens; `follow` hears of the moves only, which costs far less.
    """

    __slots__ = (
        "_actions", "_buffer", "_coming", "_follow", "_home", "_is_coded", "_is_quiet", "_late_reply",
        "_line_cache", "_observer", "_refusals", "_refused", "_report", "_row", "_site", "_speech", "_wake", "farewell",
        "interest", "is_agreed", "is_behind", "outgoing",
    )  # fmt: skip

    def __init__(
        self,
        site: Setting,
        address: str,
        report: Report,
        wake: Callable[[], None],
        is_encrypted: bool = False,
        observer: Observer | None = None,
        follow: Follow | None = None,
    ) -> None:
        self._site = site
        self._report = report
        self._observer = observer
        self._follow = follow if follow or observer is None else _NOBODY
        self._wake = wake
        self._buffer = Buffer()
        self._actions: Actions = site.dialect.actions(site, address, report, self._buffer)
        self._is_coded = self._actions.is_coded
        self.outgoing = bytearray()
        self.is_behind = self.is_agreed = False
        self.farewell = ""
        self._refusals = Refusals(report, site.max_refusals, site.is_wary)
        self._refused: tuple[Row | None, Reply, Event, bytes] | None = None
        self._late_reply: Outcome = None
        self._speech: Speech | None = None
        self._coming = Coming(site.dialect.table.ends)
        self._is_quiet = True  # no input is left to process, and no ending is pending
        self._line_cache = site.dialect.line_cache
        table = site.dialect.table
        self._home = self._actions.home = table.rows[table.start]
        self._row = table.rows[(is_encrypted and table.opening) or table.start]
        self.interest = self._row.interest

    # Called from outside

    def open(self) -> None:
        """The client has connected: greets it, unless TLS comes first."""
        if not self.wants_tls:
            self._move(Event.OPENED, self._row, self._actions.greeting)

    def receive(self, data: bytes) -> None:
        """Processes bytes from the client."""
        # The fast path. Most clients send commands that are in the line cache, or one whole message, and then wait for the
        # replies. These need no buffer. The result is the same as without it (test_fast_path.py).
        if self._is_quiet and not self.outgoing:
            reading = self._row.reading
            if reading is None:
                if meaning := self._line_cache.known.get(data):
                    self._command(meaning)
                    return
                data = self._carry_out_known(data)
                if not data:
                    return
            elif reading is _TEXT and (content := self._buffer.sole_content(data)) is not None:
                self._content(content, True)
                return
        self._is_quiet = False
        self._buffer.feed(data)
        self.resume()

    def _carry_out_known(self, data: bytes) -> bytes:
        """Processes commands from the front of `data` as long as they are in the line cache; returns the rest."""
        known, done = self._line_cache.known, 0
        lines = data.splitlines(keepends=True) if len(data) <= PIPELINED else []
        if len(lines) > FEW:
            lines = lines[: self._site.share(STEPS_A_TURN)]
        for line in lines:
            meaning = known.get(line)
            if meaning is None or self._row.reading is not None:
                break
            self._command(meaning)
            done += len(line)
        return data[done:]

    def end_of_input(self) -> None:
        """The client sends no more. Its complete commands are still answered; an incomplete line or message is dropped."""
        self._expect(Ending.ENDED)

    def hang_up(self) -> None:
        """The connection is gone. A complete message is still stored."""
        self._end(Ending.GONE)

    def time_out(self) -> None:
        """`patience` is over: the client was idle for too long, or an answer from outside did not come in time."""
        if self._row.reading is _HELD and not self.wants_tls and not (self._speech and self.outgoing):
            self._end(Ending.UNANSWERED)
        else:
            self._end(Ending.SILENT)

    def break_down(self) -> None:
        """The caller has caught an exception from this session: ends it with a 421."""
        self._end(Ending.BROKEN)

    def shut_down(self, at_once: bool) -> None:
        """The server stops. Ends the session at once, or after the message that the client is sending."""
        if at_once:
            self._end(Ending.STOPPED)
        self._expect(Ending.DRAINED)

    def _expect(self, ending: Ending) -> None:
        """Ends the session in this way as soon as everything in `End.waits` is done."""
        self._coming.add(ending)
        self._is_quiet = False
        self.resume()

    def secured(self) -> None:
        """The connection is now encrypted. Ignored unless the session wants TLS."""
        if self.wants_tls:
            self._actions.secured()
            is_opening = self.state is self._site.dialect.table.opening
            self._apply(self._row.move(Event.SECURED), Event.SECURED, self._actions.greeting if is_opening else None)
            self.resume()

    @property
    def wants_tls(self) -> bool:
        """True: the caller must send `outgoing`, then do a TLS handshake, then call `secured`."""
        return self.interest.wants_tls

    @property
    def takes_input(self) -> bool:
        """False while input is unprocessed or an answer is pending, and once the session is finished."""
        return self.interest.takes_input and not self.is_behind

    @property
    def is_finished(self) -> bool:
        """True when the session is over: it reads nothing and adds nothing to `outgoing`. `farewell` says why."""
        return self.interest.is_finished

    @property
    def patience(self) -> float:
        """Seconds of silence after which `time_out` is due."""
        return self.interest.patience

    # Reading: the table says what kind of input is due, and what it does

    def resume(self) -> None:
        """Processes input until output is full, this turn's share is used up, or an answer is awaited."""
        self.is_behind = False
        steps = most = 0
        while self._step() and not self._is_quiet:
            most = most or self._site.share(STEPS_A_TURN)
            steps += 1
            if steps >= most or len(self.outgoing) >= OUTPUT_LIMIT:
                self.is_behind = True
                return

    def _step(self) -> bool:
        """Processes one command, piece of mail data, or answer from outside. Returns false when there is none."""
        reading = self._row.reading
        if reading is None and self._coming.takes_commands:
            if (line := self._buffer.line()) is not None:
                meaning = self._line_cache.meaning(line)
                self._refusals.keeps_secrets |= meaning[0] in OF_AUTH
                self._command(meaning)
                return True
        elif reading is _TEXT:
            piece, is_end = self._buffer.content()
            if piece or is_end:
                (self._skip if self._row.returns else self._content)(piece, is_end)
                return True
        elif reading is _HELD and self._late_reply:
            assert self._row.awaited
            answer, self._late_reply = self._late_reply, None
            self._apply(self._row.move(self._row.awaited), self._row.awaited, answer)
            return True
        elif self._speech:
            return self._speak(self._speech)
        elif reading is _RESPONSE and self._coming.takes_commands and (line := self._buffer.line()) is not None:
            self._take_response(line)
            return True
        return self._leave()

    def _take_response(self, line: bytes) -> None:
        if self._observer is not None:
            self._observer.heard("...")
        event, outcome = self._actions.take_response(line)
        self._apply(self._row.move(event), event, outcome, line)

    def _leave(self) -> bool:
        """All input is processed: ends the session if the client or the server has announced that and nothing is pending."""
        row = self._row
        is_empty = self._buffer.is_empty
        self._is_quiet = is_empty and not self._coming.announced and not self._speech
        if not is_empty and row.reading in _IN_LINES and self._coming.takes_commands and self._buffer.has_bare_lf:
            self._refusals.notice_bare_lf()
        if row.reading is _GONE:
            self._buffer.clear()
        else:
            for ending in self._coming.due(row) if self._coming.announced else ():
                self._end(ending)
        return False

    def _command(self, meaning: Meaning) -> None:
        event, argument, line = meaning
        if self._observer is not None:
            self._observer.heard(self._refusals.transcribed(event, line))
        cell = self._row.cells[event]
        if isinstance(cell, Resolved):
            if isinstance(argument, Reply):
                self._refuse(self._row, argument, event, line)
            else:
                actions = self._actions
                self._apply(cell, event, actions.by_event[event](actions, argument), line, argument)
        elif isinstance(cell, Reply):
            self._refuse(self._row, cell, event, line, argument)
        else:
            self._row.move(event)  # raises: it is no command

    def _refuse(self, row: Row | None, reply: Reply, event: Event, line: bytes, argument: object = None) -> None:
        """Refuses a command. If octets belong to it (BDAT), skips them first and then refuses (RFC 3030 section 2)."""
        if isinstance(argument, Chunk):
            table = self._site.dialect.table
            assert table.skipping, "a dialect with chunks has it"
            self._refused = row, reply, event, line
            self._buffer.begin_chunk(argument.size)
            self._move(event, table.rows[table.skipping])
        elif argument is Foreign.LINE:
            self._refusals.foreign(line)
            self._end(Ending.FOREIGN)
        else:
            self._move(event, row, reply)
            self._count_refusal(reply, event, line)

    def _skip(self, piece: bytes, is_end: bool) -> None:
        """Drops octets of a refused chunk, and refuses it at its end."""
        if self._observer is not None:
            self._observer.heard(f"({len(piece)} octets of a refused chunk{', the end' * is_end})")
        if is_end:
            assert self._refused and isinstance(self._row.cells[Event.END], Resolved)
            (before, reply, event, line), self._refused = self._refused, None
            self._move(Event.END, before, reply)
            self._count_refusal(reply, event, line)

    def _content(self, piece: bytes, is_end: bool) -> None:
        if self._observer is not None:
            self._observer.heard(f"({len(piece)} octets of mail data{', the end' * is_end}) {shown(piece)}")
        self._actions.write(piece)
        if is_end:
            self._apply(self._row.move(Event.END), Event.END, self._actions.end(self._row.ends_message))

    def _speak(self, speech: Speech) -> bool:
        """Says the next piece of a speech. Returns false if there is none yet."""
        piece = speech.piece(self._wake)
        if isinstance(piece, Said):
            self._speech = None
            move = self._row.move(Event.SENT)
            self._move(Event.SENT, move.accepted if piece is Said.ALL else move.refused)
            self._part(piece.value, is_agreed=False)
        elif piece:
            self.outgoing += piece
            if self._observer is not None:
                self._observer.said(f"({len(piece)} octets)")
        return bool(piece) or self._leave()

    # Applying a cell

    def _apply(self, move: Resolved, event: Event, outcome: Outcome, line: bytes = b"", argument: object = None) -> None:
        """Moves to the state that the event's cell names for this outcome, and sends the reply.

        If the outcome is a Pending, calls it after the move: its answer may come at once.
        """
        if not isinstance(outcome, Reply):
            if isinstance(outcome, Speech):
                self._begin(outcome, move, event)
                return
            self._move(event, move.accepted)
            if outcome:
                outcome(self._answered)
            return
        if outcome.code >= REFUSALS:
            self._refuse(move.refused, outcome, event, line, argument)
        else:
            if self._refusals.in_a_row and outcome.code < INTERMEDIATES:
                self._refusals.end_the_row()
            self._move(event, move.accepted, outcome)
        if self._row.reading is _GONE:
            self._part((Event.QUIT if event in ANSWERS else event).value, is_agreed=True)

    def _begin(self, speech: Speech, move: Resolved, event: Event) -> None:
        """Sends the reply of a speech; `_step` says what is behind it."""
        self._refusals.end_the_row()
        self._move(event, move.accepted, speech.reply)
        self._speech, self._is_quiet = speech, False
        self._wake()

    def _part(self, farewell: str, is_agreed: bool) -> None:
        """Leaves, if this was the end, and nothing has ended the session before."""
        if self._row.reading is _GONE and not self.farewell:
            self.farewell, self.is_agreed = farewell, is_agreed
            self._actions.abandon()

    def _answered(self, answer: Outcome) -> None:
        """The outside work is done. The session applies the outcome at the next `resume`."""
        self._late_reply = answer
        self._wake()

    def _move(self, event: Event | Ending, row: Row | None, reply: Reply | None = None) -> None:
        """Moves to a row and sends the reply, if any. Every change of state goes through here.

        None for the row: back to the home, in which the transaction began.
        """
        if row is None:
            row = self._home
        elif row.is_home and row is not self._home:
            self._home = self._actions.home = row
        if self._follow is not None:
            self._follow((self._row.state, event, row.state, 0 if reply is None else reply.code))
            if self._observer is not None:
                self._observe(self._observer, event, row, reply)
        self._row = row
        self.interest = row.interest
        if reply is not None:
            self.outgoing += reply.coded_line if self._is_coded else reply.line

    def _observe(self, observer: Observer, event: Event | Ending, row: Row, reply: Reply | None) -> None:
        observer.moved(self.state, event, row.state, reply)
        if reply is not None:
            for line in (reply.coded_line if self._is_coded else reply.line).split(b"\r\n")[:-1]:
                observer.said(shown(line))

    @property
    def state(self) -> State:
        """The current state in the table."""
        return self._row.state

    def _count_refusal(self, reply: Reply, event: Event, line: bytes) -> None:
        if self._refusals.add(reply, event, line):
            self._end(Ending.REFUSED)

    def _end(self, ending: Ending) -> None:
        """Ends the session, in any state: sends the last reply, and drops an unfinished message."""
        if not self.is_finished:
            table = self._site.dialect.table
            says = None if self._speech else table.ends[ending].says  # a client would take it for a part of the speech
            self._speech = None
            says = says.about(self._site.hostname) if says and says.is_about else says
            self._move(ending, table.rows[table.closed], says)
            self.farewell = ending.value
            self._actions.abandon()
