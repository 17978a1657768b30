"""A session with a critic beside it: to the connection it looks like the session alone.

Knows nothing about what the critic looks for, or who is told what it has found.
"""

from collections.abc import Callable

from ..engine.environment import Follow, Move, Observer, Report, Site
from ..engine.session import Session
from ..engine.table import Interest, State
from .critic import Critic
from .stored import Noting


class Overheard:
    """Arguments and methods are those of `Session`.

    `tell` gets the critic when the session is over, once. `broke` is called in the handler of an exception of the critic's:
    the session then goes on without it, so its client does not notice.
    """

    __slots__ = ("_broke", "_critic", "_follow", "_session", "_tell")

    def __init__(
        self,
        site: Site,
        address: str,
        report: Report,
        wake: Callable[[], None],
        is_encrypted: bool = False,
        observer: Observer | None = None,
        follow: Follow | None = None,
        *,
        tell: Callable[[Critic], None],
        broke: Callable[[], None],
    ) -> None:
        self._tell = tell
        self._broke = broke
        self._follow = follow
        self._critic: Critic | None = Critic(site)
        site = site._replace(store=Noting(site.store, self._critic.stored))
        self._session = Session(site, address, report, wake, is_encrypted, observer, self._moved)

    def _moved(self, move: Move) -> None:
        if self._follow:
            self._follow(move)
        if self._critic:
            try:
                self._critic.moved(move)
            except Exception:  # noqa: BLE001 (`broke` logs it)
                self._give_up()

    def _give_up(self) -> None:
        self._critic = None
        self._broke()

    def _settle(self) -> None:
        """The session has done its turn."""
        if self._critic:
            try:
                self._critic.caught_up()
                if self._session.is_finished:
                    self._tell(self._critic)
                    self._critic = None
            except Exception:  # noqa: BLE001 (`broke` logs it)
                self._give_up()

    # What is called from outside

    def hurried(self) -> None:
        """The client has spoken before it was accepted."""
        assert self._critic, "nothing has happened yet"
        self._critic.hurried()

    def open(self) -> None:
        """The client has connected."""
        self._session.open()

    def receive(self, data: bytes) -> None:
        """Takes octets of the client."""
        if self._critic:
            self._critic.sent(data, is_unanswered=bool(self._session.outgoing))
        self._session.receive(data)
        self._settle()

    def resume(self) -> None:
        """Goes on."""
        self._session.resume()
        self._settle()

    def secured(self) -> None:
        """The connection is now encrypted."""
        self._session.secured()
        self._settle()

    def end_of_input(self) -> None:
        """The client sends no more."""
        self._session.end_of_input()
        self._settle()

    def hang_up(self) -> None:
        """The connection is gone."""
        self._session.hang_up()
        self._settle()

    def time_out(self) -> None:
        """Patience is over."""
        self._session.time_out()
        self._settle()

    def shut_down(self, at_once: bool) -> None:
        """The server stops."""
        self._session.shut_down(at_once)
        self._settle()

    def break_down(self) -> None:
        """The caller has caught an exception of the session."""
        self._session.break_down()
        self._settle()

    # What the session is

    @property
    def state(self) -> State:
        """The state in the table."""
        return self._session.state

    @property
    def outgoing(self) -> bytearray:
        """Replies to send."""
        return self._session.outgoing

    @property
    def interest(self) -> Interest:
        """What it waits for."""
        return self._session.interest

    @property
    def is_finished(self) -> bool:
        """Whether it is over."""
        return self._session.is_finished

    @property
    def wants_tls(self) -> bool:
        """Whether a handshake is due."""
        return self._session.wants_tls

    @property
    def takes_input(self) -> bool:
        """Whether it reads."""
        return self._session.takes_input

    @property
    def is_behind(self) -> bool:
        """Whether input is left to process."""
        return self._session.is_behind

    @property
    def is_agreed(self) -> bool:
        """Whether the client has asked for the end."""
        return self._session.is_agreed

    @property
    def patience(self) -> float:
        """Seconds of silence that end it."""
        return self._session.patience

    @property
    def farewell(self) -> str:
        """Why it ended."""
        return self._session.farewell
