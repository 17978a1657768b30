"""One client's dialogue: bytes come in, replies and finished messages go out.

It applies the cells of a table and decides nothing about order itself; it knows no command, socket, file, clock or log.
"""

from collections.abc import Callable, Mapping

from .actions import Actions, Chunk, Outcome
from .buffer import Buffer
from .ends import End, Ending, Wait
from .environment import Observer, Report, Site
from .foreign import Foreign
from .refusals import OF_AUTH, Refusals
from .replies import INTERMEDIATES, REFUSALS, Reply
from .shown import shown
from .table import Event, Mark, Resolved, Row, State

OUTPUT_LIMIT = 64 * 1024
"""Octets of replies that may wait for the client; no further command is carried out before it has read them."""

STEPS_A_TURN = 50
"""Commands that are carried out at once, when few clients are ready; who sends more does not hold up the others."""

FEW = 4
"""Commands in one segment that are carried out at once, however many are ready."""

PIPELINED = len(b"NOOP\r\n") * STEPS_A_TURN
"""Octets in which there cannot be more that are remembered: no command is shorter."""

_TEXT, _HELD, _GONE, _RESPONSE = Mark.TEXT, Mark.HELD, Mark.GONE, Mark.RESPONSE
_IN_LINES = (None, _RESPONSE)
"""What is read a line at a time."""


class Session:
    """The server's side of one connection.

    Bytes from the client go to `receive`, its end of sending to `end_of_input`. Replies gather in `outgoing`; whoever sends
    them takes them off its front. `interest` is the same for as long as `takes_input`, but for `is_behind`, `is_finished`,
    `wants_tls` and `patience` are. `wake` is called when a held session (see `takes_input`) can go on; then `resume` is due.
    One that `is_encrypted` says nothing before it is `secured`. An `observer` is told what happens.
    """

    __slots__ = (
        "_actions", "_buffer", "_coming", "_has_told_of_lf", "_home", "_is_coded", "_is_quiet", "_late_reply", "_line_cache",
        "_observer", "_refusals", "_refused_chunk", "_report", "_row", "_site", "_wake", "farewell", "interest",
        "is_agreed", "is_behind", "outgoing",
    )  # fmt: skip

    def __init__(
        self,
        site: Site,
        address: str,
        report: Report,
        wake: Callable[[], None],
        is_encrypted: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self._site = site
        self._report = report
        self._observer = observer
        self._wake = wake
        self._buffer = Buffer()
        self._actions: Actions = site.dialect.actions(site, address, report, self._buffer)
        self._is_coded = self._actions.is_coded
        self.outgoing = bytearray()
        self.is_behind = self.is_agreed = False
        self.farewell = ""
        self._refusals = Refusals(report, site.max_refusals, is_wary=site.policy.authenticate is not None)
        self._refused_chunk: tuple[Row | None, Reply, Event, bytes] | None = None
        self._late_reply: Reply | None = None
        self._has_told_of_lf = False
        self._coming: tuple[Ending, ...] = ()
        self._is_quiet = True  # nothing waits to be carried out
        self._line_cache = site.dialect.line_cache
        table = site.dialect.table
        self._home = table.rows[table.start]
        self._row = table.rows[(is_encrypted and table.opening) or table.start]
        self.interest = self._row.interest

    # What happens to a session, from outside

    def open(self) -> None:
        """The client is there: it is greeted."""
        if not self.wants_tls:
            self._move(Event.OPENED, self._row, self._actions.greeting)

    def receive(self, data: bytes) -> None:
        """Bytes came from the client."""
        # The fast path: most send commands that came before, or one message, and wait for the replies. Then nothing is to
        # be gathered, and nothing is left afterwards (test_fast_path.py: there is no other difference).
        if self._is_quiet and not self.outgoing:
            reading = self._row.reading
            if reading is None:
                if meaning := self._line_cache.known.get(data):
                    self._command(*meaning)
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
        """Carries out the commands that it begins with, as long as they are remembered; returns the rest."""
        known, done = self._line_cache.known, 0
        lines = data.splitlines(keepends=True) if len(data) <= PIPELINED else []
        if len(lines) > FEW:
            lines = lines[: self._site.share(STEPS_A_TURN)]
        for line in lines:
            meaning = known.get(line)
            if meaning is None or self._row.reading is not None:
                break
            self._command(*meaning)
            done += len(line)
        return data[done:]

    def end_of_input(self) -> None:
        """The client sends no more. What it has sent is still answered; half a line or half a message is dropped."""
        self._expect(Ending.ENDED)

    def hang_up(self) -> None:
        """The connection is gone. A message that has ended is still stored."""
        self._end(Ending.GONE)

    def time_out(self) -> None:
        """The client was idle for too long; or it has waited for too long, for somebody outside."""
        if self._row.reading is _HELD and not self.wants_tls:
            self._end(Ending.UNANSWERED)
        else:
            self._end(Ending.SILENT)

    def break_down(self) -> None:
        """An error of ours was met in this session."""
        self._end(Ending.BROKEN)

    def shut_down(self, at_once: bool) -> None:
        """The server stops: for this client at once, or after the message that it is sending, if it is."""
        if at_once:
            self._end(Ending.STOPPED)
        self._expect(Ending.DRAINED)

    def _expect(self, ending: Ending) -> None:
        """It happens as soon as what it waits for is done."""
        self._coming, self._is_quiet = (*self._coming, ending), False
        self.resume()

    def secured(self) -> None:
        """The connection is encrypted from here on."""
        if not self.wants_tls:
            return
        reply = self._actions.secured()
        is_opening = self.state is self._site.dialect.table.opening
        self._apply(self._row.cells[Event.SECURED], Event.SECURED, self._actions.greeting if is_opening else reply)
        self.resume()

    @property
    def wants_tls(self) -> bool:
        """True: when `outgoing` is sent, the connection is to be encrypted, and then `secured` to be called."""
        return self.interest.wants_tls

    @property
    def takes_input(self) -> bool:
        """False while what came is not carried out, or somebody has not answered, and when the session is finished."""
        return self.interest.takes_input and not self.is_behind

    @property
    def is_finished(self) -> bool:
        """True when nothing will be read or said any more; `farewell` then says why."""
        return self.interest.is_finished

    @property
    def patience(self) -> float:
        """Seconds of silence after which `time_out` is due."""
        return self.interest.patience

    # Reading: the table says what kind of line is due, and what a line of that kind does

    def resume(self) -> None:
        """Carries out what has come, as far as there is room for replies, it is not too much, and nobody is waited for."""
        self.is_behind = False
        steps = most = 0
        while self._step() and not self._is_quiet:
            most = most or self._site.share(STEPS_A_TURN)
            steps += 1
            if steps >= most or len(self.outgoing) >= OUTPUT_LIMIT:
                self.is_behind = True
                return

    def _step(self) -> bool:
        """Takes one command, piece of mail data, or answer; false when there is none."""
        reading = self._row.reading
        if reading is None and self._takes_commands:
            if self._refused_chunk and not self._buffer.is_skipping:
                refused, self._refused_chunk = self._refused_chunk, None
                self._refuse_command(*refused)
                return True
            if (line := self._buffer.line()) is not None:
                meaning = self._line_cache.meaning(line)
                if meaning[0] in OF_AUTH:
                    self._refusals.keeps_secrets = True
                self._command(*meaning)
                return True
        elif reading is _TEXT:
            piece, is_end = self._buffer.content()
            if piece or is_end:
                self._content(piece, is_end)
                return True
        elif reading is _HELD and self._late_reply:
            assert self._row.awaited
            answer, self._late_reply = self._late_reply, None
            self._apply(self._row.cells[self._row.awaited], self._row.awaited, answer)
            return True
        elif reading is _RESPONSE and self._takes_commands and (line := self._buffer.line()) is not None:
            self._take_response(line)
            return True
        return self._leave()

    def _take_response(self, line: bytes) -> None:
        if self._observer is not None:
            self._observer.heard("...")
        event, outcome = self._actions.take_response(line)
        self._apply(self._row.cells[event], event, outcome, line)

    def _notice_bare_lf(self) -> None:
        """By the RFC a LF alone ends no line: a client that thinks so gets no answer, and its user no hint."""
        if not self._has_told_of_lf:
            self._has_told_of_lf = True
            self._report("ends its lines with LF alone, which ends no line here (RFC 5321 section 2.3.8)")

    def _leave(self) -> bool:
        """Nothing is left to be taken: the end, if the client or the server has announced it."""
        row = self._row
        is_empty = self._buffer.is_empty
        self._is_quiet = is_empty and not self._coming
        if not is_empty and row.reading in _IN_LINES and self._buffer.has_bare_lf:
            self._notice_bare_lf()
        if row.reading is _GONE:
            self._buffer.clear()
        else:
            for ending in self._coming:
                if not self._is_waited_for(self._ends[ending].waits):
                    self._end(ending)
        return False

    @property
    def _takes_commands(self) -> bool:
        return all(Wait.COMMANDS in self._ends[ending].waits for ending in self._coming)

    def _is_waited_for(self, waits: tuple[Wait, ...]) -> bool:
        """Whether something of this is under way, when all was carried out that came."""
        row = self._row
        return (Wait.STORED in waits and row.awaited is Event.STORED) or (Wait.CONTENT in waits and row.reading is _TEXT)

    def _command(self, event: Event, argument: object, line: bytes) -> None:
        if self._observer is not None:
            self._observer.heard(self._refusals.transcribed(event, line))
        cell = self._row.cells[event]
        if isinstance(cell, Reply):
            self._refuse_command(self._row, cell, event, line, argument)
        elif isinstance(argument, Reply):
            self._refuse(self._row, argument, event, line)
        else:
            actions = self._actions
            self._apply(cell, event, actions.by_event[event](actions, argument), line, argument)

    def _refuse_command(self, row: Row | None, reply: Reply, event: Event, line: bytes, argument: object = None) -> None:
        """Octets that belong to a command are read to their end before it is refused (RFC 3030 section 2)."""
        if isinstance(argument, Chunk):
            self._buffer.skip(argument.size)
            self._refused_chunk = row, reply, event, line
        elif argument is Foreign.LINE:
            self._refusals.foreign(line)
            self._end(Ending.FOREIGN)
        else:
            self._refuse(row, reply, event, line)

    def _content(self, piece: bytes, is_end: bool) -> None:
        if self._observer is not None:
            self._observer.heard(f"({len(piece)} octets of mail data{', the end' * is_end}) {shown(piece)}")
        self._actions.write(piece)
        if is_end:
            row = self._row
            self._apply(row.cells[Event.END], Event.END, self._actions.end(row.ends_message))

    # Applying a cell

    def _apply(
        self, move: Resolved | Reply | Mark, event: Event, outcome: Outcome, line: bytes = b"", argument: object = None
    ) -> None:
        """Goes where the cell of an event says for this outcome."""
        if not isinstance(move, Resolved):
            raise RuntimeError(f"{event} in {self.state}: {move}")
        if not isinstance(outcome, Reply):
            self._move(event, move.accepted)
            if outcome:
                outcome(self._answered)
            return
        if outcome.code >= REFUSALS:
            self._refuse_command(move.refused, outcome, event, line, argument)
            return
        if outcome.code < INTERMEDIATES and self._refusals.in_a_row:
            self._refusals.end_the_row()
        self._move(event, move.accepted, outcome)
        if self._row.reading is _GONE:
            self.farewell, self.is_agreed = event.value, True
            self._actions.abandon()

    def _answered(self, answer: Reply) -> None:
        """Somebody outside has answered."""
        self._late_reply = answer
        self._wake()

    def _move(self, event: Event | Ending, row: Row | None, reply: Reply | None = None) -> None:
        """All that happens in the table happens here: the session is in a row now, and the client hears a reply.

        None for the row: the home, where the transaction began.
        """
        if self._observer is not None:
            self._observe(self._observer, event, row or self._home, reply)
        self._row = row = row or self._home
        self.interest = row.interest
        if row.is_home:
            self._home = row
        if reply is not None:
            self.outgoing += reply.coded_line if self._is_coded else reply.line

    def _observe(self, observer: Observer, event: Event | Ending, row: Row, reply: Reply | None) -> None:
        observer.moved(self.state, event, row.state, reply)
        if reply is not None:
            for line in (reply.coded_line if self._is_coded else reply.line).split(b"\r\n")[:-1]:
                observer.said(shown(line))

    @property
    def state(self) -> State:
        """Where in the table it is."""
        return self._row.state

    def _refuse(self, row: Row | None, reply: Reply, event: Event, line: bytes) -> None:
        self._move(event, row, reply)
        if b"\n" in line:
            self._notice_bare_lf()
        if self._refusals.add(reply, event, line):
            self._end(Ending.REFUSED)

    @property
    def _ends(self) -> Mapping[Ending, End]:
        return self._site.dialect.table.ends

    def _end(self, ending: Ending) -> None:
        """Something has happened that ends a session in any state."""
        if not self.is_finished:
            says = self._ends[ending].says
            if says and says.is_about:
                says = says.about(self._site.hostname)
            table = self._site.dialect.table
            self._move(ending, table.rows[table.closed], says)
            self.farewell = ending.value
            self._actions.abandon()
