"""What an action raises after the name was checked beside the loop is answered, too."""

from collections.abc import Callable
from functools import partial

from web.gate import Terms

from ..kit.web_server import WebServer

BASIC = {"Authorization": "Basic YW5hOngK"}


def test_a_name_that_is_checked_later_changes_no_answer() -> None:
    names: list[str] = []

    def authenticate(name: str, password: str, answer: Callable[[bool], None]) -> None:
        names.append(name)
        server.reactor.call_later(0.01, partial(answer, True))

    with WebServer(Terms(authenticate=authenticate, admins=("ana",))) as server:
        for path, status in (("/api/v1/search", 400), ("/api/v1/messages?limit=x", 400), ("/api/v1/messages", 200)):
            server.call(lambda: server.application._gate._known.clear())
            assert server.ask("GET", path, None, BASIC).status == status
    assert names == ["ana"] * 3
