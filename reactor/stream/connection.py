"""A connected socket: input goes to its conversation, and its output is sent as fast as the peer accepts it.

Knows nothing about what is said. The buffers at the end of each turn decide whether the connection reads or writes next.

In the read step, an open connection whose socket is ready reads once. That makes it DUE: its part of the write step is
scheduled, in which it sends what it can and finds out what to wait for next. A connection that is DUE has had its share of
the turn and does not read again. A wake-up makes it DUE, too. Only `_resumption` remembers that the conversation has to be
resumed, and when: NOW after a wake-up, in the next write step; LATER, in the catch-up step, when it is behind and all its
output is sent, so that other connections have their turn first.
"""

import logging
import socket
from collections.abc import Callable
from enum import Enum
from functools import partial

from ..loop import READ, READ_SIZE, WRITE, Reactor, Timer
from .conversation import Conversation, Opener
from .tls import Beside, Contexts, Encryption

log = logging.getLogger("carteiro.reactor")

_received = memoryview(bytearray(READ_SIZE))

_UNKNOWN = object()
"""An interest that no conversation has."""

_MORE = getattr(socket, "MSG_MORE", 0)
"""Lets the kernel hold back the last data, to send it in one segment with the FIN; 0 on systems without it."""

LINGER = 2.0
"""Seconds that we keep reading after we have ended a connection, so that the peer gets our last words and not a reset."""


class Stage(Enum):
    """The stages of a connection. The values are for people."""

    OPEN = "it waits for what it wants"
    DUE = "it was read, or woken: its part of the write step is due"
    DEAF = "it does not want to read, though it is still watched for that"
    LINGERING = "all is said, and what comes is dropped"
    CLOSED = "the socket is closed"


class Resumption(Enum):
    """When the conversation has to be resumed. The values are for people."""

    NEVER = "nothing is left to do"
    LATER = "when all others have had their turn"
    NOW = "in the next write step"


OPEN, DUE, DEAF, LINGERING, CLOSED = Stage
NEVER, LATER, NOW = Resumption


class Connection:
    """A nonblocking connected socket with a conversation and a deadline.

    The deadline is `idle_timeout` seconds after the last byte in either direction, or earlier if the conversation's patience
    is shorter. While the peer waits for us, only the patience counts. `tls` gives the context when the conversation wants
    TLS; an Encryption then takes the conversation's place. An exception of the conversation is logged with its traceback and
    ends this connection only.
    """

    __slots__ = (
        "_beside", "_conversation", "_events", "_has_ended", "_idle_timeout", "_interest", "_last_activity", "_on_closed",
        "_reactor", "_resumption", "_socket", "_stage", "_timer", "_timer_patience", "_tls", "peer",
    )  # fmt: skip

    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        peer: str,
        open_conversation: Opener,
        idle_timeout: float,
        on_closed: Callable[["Connection"], None],
        tls: Contexts | None = None,
        beside: Beside | None = None,
    ) -> None:
        self._reactor = reactor
        self._beside = beside
        self._socket = sock
        self._idle_timeout = idle_timeout
        self._on_closed = on_closed
        self._tls = tls
        self._events = 0
        self._has_ended = False
        self._stage = OPEN
        self._resumption = NEVER
        self._last_activity = reactor.now
        self._interest: object = _UNKNOWN
        self.peer = peer
        self._conversation = open_conversation(peer, self._wake)
        self._timer: Timer
        self._start_timer(min(idle_timeout, self._conversation.patience))
        log.info("%s connected", peer)
        self._call(self._conversation.open)
        self._speak_soon()

    def shut_down(self) -> None:
        """The program wants to end: the conversation decides when the connection ends."""
        self._call(partial(self._conversation.shut_down, False))
        self._speak_soon()

    def cut_off(self, why: str) -> None:
        """Closes at once; sends the conversation's last words as far as the socket accepts them now."""
        self._call(partial(self._conversation.shut_down, True))
        self._speak_now()
        self.close(why)

    @property
    def is_closed(self) -> bool:
        """Whether the socket is closed."""
        return self._stage is CLOSED

    def close(self, why: str) -> None:
        """Closes the socket at once."""
        if self._stage is CLOSED:
            return
        self._stage = CLOSED
        self._timer.cancel()
        if self._events:
            self._reactor.unwatch(self._socket)
        self._socket.close()
        log.info("%s closed: %s", self.peer, self._conversation.farewell or why)
        try:
            self._conversation.hang_up()
        except Exception:
            log.exception("%s: error while hanging up", self.peer)
        del self._conversation  # it refers to our `_wake`: breaking the cycle frees both at once
        self._on_closed(self)

    # The read step

    def _ready(self, events: int) -> None:
        if self._stage is not OPEN:
            self._ready_otherwise()
            return
        self._stage = DUE
        self._reactor.call_soon(self._speak)
        if not events & self._events & READ:  # not ready to read, or READ is no longer wanted
            return
        try:
            data = _received[: self._socket.recv_into(_received, self._reactor.read_size)].tobytes()
        except BlockingIOError:
            return
        except (OSError, MemoryError) as error:
            self.close(str(error) or "out of memory")
            return
        if not data:
            self._last_activity = self._reactor.now
            self._has_ended, self._interest = True, _UNKNOWN
            self._call(self._conversation.end_of_input)
            return
        self._last_activity = self._reactor.now
        conversation = self._conversation
        try:  # like `_call`, which would cost time for each read
            conversation.receive(data)
            if conversation.interest is not self._interest and conversation.wants_tls:
                self._encrypt()
        except Exception as error:  # noqa: BLE001 (it is logged)
            self._break_down(error)

    def _ready_otherwise(self) -> None:
        if self._stage is DEAF:  # unwatch only now: mostly nothing arrives meanwhile, which saves two system calls
            self._stage = OPEN
            self._watch(0)
        elif self._stage is LINGERING:
            try:
                if not self._socket.recv_into(_received):
                    self.close("")
            except BlockingIOError:
                pass
            except OSError as error:
                self.close(str(error))

    # The write step

    def _wake(self) -> None:
        self._resumption = NOW
        self._speak_soon()

    def _catch_up(self) -> None:
        """Resumes a conversation that is behind, now that the others have had their turn."""
        if self._resumption is LATER:
            self._resumption = NOW
            self._speak_now()

    def _speak_soon(self) -> None:
        if self._stage is OPEN or self._stage is DEAF:
            self._stage, self._interest = DUE, _UNKNOWN
            self._reactor.call_soon(self._speak)

    def _speak_now(self) -> None:
        if self._stage is not LINGERING and self._stage is not CLOSED:
            self._stage, self._interest = DUE, _UNKNOWN
            self._speak()

    def _speak(self) -> None:
        """Resumes the conversation if that is due, sends what the socket accepts, and watches for what is needed next."""
        if self._stage is not DUE:  # closed meanwhile, or already done
            return
        self._stage = OPEN
        if self._resumption is NOW:
            self._resume()
            if self._stage is CLOSED:
                return
        conversation = self._conversation
        outgoing = conversation.outgoing
        if outgoing:
            try:
                sent = self._socket.send(outgoing, _MORE if conversation.is_agreed and conversation.is_finished else 0)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self.close(error.strerror or str(error))
                return
            if sent:
                del outgoing[:sent]
                self._last_activity = self._reactor.now
        if conversation.interest is self._interest and not (outgoing or conversation.is_behind):
            return  # what to wait for is unchanged, as after nearly every command
        self._look_after(conversation)

    def _resume(self) -> None:
        self._resumption = NEVER
        self._call(self._conversation.resume)
        if self._stage is not CLOSED and not self._conversation.takes_input:
            self._reactor.turn_within(0)

    def _look_after(self, conversation: Conversation) -> None:
        """After sending: ends the connection, schedules a catch-up, or watches for what the conversation needs next.

        It watches for READ, unless
        1. the peer has ended its side, or
        2. the conversation takes no input: it waits for an answer, is behind, or is finished.
        For WRITE, if
        3. output is left.
        """
        is_behind, is_left = conversation.is_behind, bool(conversation.outgoing)
        interest = conversation.interest or conversation
        self._interest = _UNKNOWN if is_left or is_behind or interest is conversation else interest
        if interest.is_finished and not is_left:
            self._end()
            return
        if is_behind and not is_left and self._resumption is NEVER:
            self._resumption = LATER
            self._reactor.call_last(self._catch_up)
        wanted = READ if interest.takes_input and not (is_behind or self._has_ended) else 0
        if is_left:
            wanted |= WRITE
        if wanted == 0 and self._events == READ and self._stage is OPEN:
            self._stage = DEAF
        else:
            self._watch(wanted)
        patience = min(self._idle_timeout, interest.patience)
        if patience < self._timer_patience:
            self._timer.cancel()
            self._start_timer(patience)

    def _watch(self, wanted: int) -> None:
        if wanted == self._events:
            return
        if not self._events:
            self._reactor.watch(self._socket, wanted, self._ready)
        elif wanted:
            self._reactor.rewatch(self._socket, wanted, self._ready)
        else:
            self._reactor.unwatch(self._socket)
        self._events = wanted

    # The end

    def _end(self) -> None:
        """Ends our side: all output is sent. If the peer has not agreed to the end, it may still send; a close would then
        reset the connection and could destroy our last words on their way. So the connection lingers and reads on.
        """
        # This also sends what MSG_MORE has kept in the kernel; a close would drop that if there is unread input.
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.close(error.strerror or str(error))
            return
        if self._has_ended or self._conversation.is_agreed:
            self.close("")
            return
        self._stage = LINGERING
        self._timer.cancel()
        self._timer = self._reactor.call_later(LINGER, lambda: self.close(""))
        self._watch(READ)

    # The expire step

    def _check_idle(self) -> None:
        conversation = self._conversation
        waits_for_us = not conversation.takes_input and not conversation.outgoing
        patience = conversation.patience if waits_for_us else min(self._idle_timeout, conversation.patience)
        if self._reactor.now < self._last_activity + patience:
            self._start_timer(patience)
            return
        self._timer = self._reactor.call_later(LINGER, lambda: self.close("the peer does not read"))
        self._timer_patience = 0.0  # no patience is shorter, so the timer stays as it is
        self._call(conversation.time_out)
        self._speak_soon()

    def _start_timer(self, patience: float) -> None:
        self._timer_patience = patience
        self._timer = self._reactor.call_at(self._last_activity + patience, self._check_idle)

    # Calls of the conversation: a bug of ours ends it, and encryption may take its place

    def _call(self, method: Callable[[], None]) -> None:
        """Calls a method of the conversation; an exception ends this connection only."""
        try:
            method()
            if self._conversation.wants_tls:
                self._encrypt()
        except Exception as error:  # noqa: BLE001 (it is logged)
            self._break_down(error)

    def _break_down(self, error: Exception) -> None:
        log.error("%s: internal error, closing this connection", self.peer, exc_info=error)
        try:
            if self._conversation.wants_tls:
                self._encrypt()
            self._conversation.break_down()
        except Exception:
            log.exception("%s: error while breaking down", self.peer)
            self.close("internal error")

    def _encrypt(self) -> None:
        """Puts an Encryption in the conversation's place, before the conversation can say anything else.

        What it has said already goes out first, in plain text; nothing after that does.
        """
        if self._tls is None:
            raise RuntimeError("a conversation wants TLS and there is no certificate")
        self._conversation = Encryption(self._conversation, self._tls(), self._wake, self._beside)
