"""Sessions of clients over HTTP: who may see them, and how many there are."""

from web.environment import ClientSession
from web.gate import Terms

from ...kit.web_server import WebServer


def session(number: int) -> ClientSession:
    return {
        "Ended": "2026-11-28T09:30:00.000Z", "Client": f"192.0.2.1:{number}", "Name": "me", "Commands": 2, "Messages": 0,
        "Stored": [], "Remarks": [],
    }  # fmt: skip


def latest(most: int) -> list[ClientSession]:
    return [session(number) for number in range(most)]


def test_they_are_listed() -> None:
    with WebServer(clients=latest) as server:
        assert server.get("/api/clients?limit=2").json == latest(2)
        assert len(server.get("/api/clients").json) == 50
        assert len(server.get("/api/clients?limit=99999").json) == 1000
        assert server.get("/api/clients?limit=x").status == 400


def test_without_the_flag_it_is_said_how_to_get_them(server: WebServer) -> None:
    heard = server.get("/api/clients")
    assert (heard.status, heard.text) == (
        404, "404 Not Found: clients are not examined: start the server with --fussy\n",
    )  # fmt: skip


def test_they_are_for_those_only_who_may_see_all() -> None:
    terms = Terms(authenticate=lambda name, password, answer: answer(True), admins=["root"])
    with WebServer(terms, clients=latest) as server:
        assert server.get("/api/clients", Authorization="Basic YW5hOng=").status == 403
        assert server.get("/api/clients", Authorization="Basic cm9vdDp4").status == 200
        assert server.get("/mailbox/ana/api/clients", Authorization="Basic cm9vdDp4").status == 403
