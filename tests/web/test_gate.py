"""Who may come in: hosts, origins, names and passwords."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from web.gate import KEPT, Authenticate, Gate, Terms
from web.request import Request, Target
from web.response import Response
from web.routing import Access


def request(sight: str | None = None, **fields: str) -> Request:
    return Request("GET", Target("/", {}), {name.replace("_", "-"): value for name, value in fields.items()}, sight=sight)


def gate(*values: Any, **more: Any) -> Gate:
    return Gate(Terms(*values, **more), lambda: 0.0)


@pytest.mark.parametrize("host", ["localhost", "localhost:8025", "127.0.0.1:1", "[::1]:8025", "LOCALHOST"])
def test_loopback_names_are_known(host: str) -> None:
    assert gate().refusal_of_host(request(host=host)) is None


OTHERS = ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example", "[::1", "a@localhost.x", "10.0.0.1"]


@pytest.mark.parametrize("host", OTHERS)
def test_other_names_are_not(host: str) -> None:
    refused = gate().refusal_of_host(request(host=host))
    assert refused and refused.status == 421
    assert gate(["*"]).refusal_of_host(request(host=host)) is None


def test_a_name_that_was_given_is_known() -> None:
    assert gate(["mail.example"]).refusal_of_host(request(host="mail.example:443")) is None
    assert gate(["mail.example"]).refusal_of_host(request(host="other.example")) is not None


@pytest.mark.parametrize(
    ("fields", "may"),
    [
        ({}, True),
        ({"origin": "http://localhost:8025"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "http://localhost:9999"}, False),
        ({"origin": "http://localhost:8025.evil.example"}, False),
        ({"origin": "https://ci.example"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
    ],
)
def test_pages_of_other_origins_change_nothing(fields: dict[str, str], may: bool) -> None:
    asked, terms = request(host="localhost:8025", **fields), gate((), ["https://ci.example"])
    for access in (Access.CHANGING, Access.STREAMING):
        refused = terms.refusal_of_origin(asked, access)
        assert (refused is None) == may and (refused is None or refused.status == 403)
    assert terms.refusal_of_origin(asked, Access.READING) is None


def test_only_a_site_that_was_named_may_read_the_answers() -> None:
    terms = gate((), ["https://ci.example"])
    assert ("Access-Control-Allow-Origin", "https://ci.example") in terms.sharing(request(origin="https://ci.example"))
    assert terms.sharing(request(origin="https://evil.example")) == () == terms.sharing(request())


class Passwords:
    """Ana's is right; there may be too many to check."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_busy = False

    def __call__(self, name: str, password: str, answer: Callable[[bool | None], None]) -> None:
        self.asked += 1
        answer(None if self.is_busy else (name.lower(), password) in (("ana", "right: é"), ("root", "admin")))


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def admitted(terms: Gate, asked: Request) -> Request | Response:
    answers: list[Request | Response] = []
    terms.admit(asked, answers.append)
    (answer,) = answers
    return answer


def status(answer: Request | Response) -> int:
    return answer.status if isinstance(answer, Response) else 200


@pytest.mark.parametrize(
    ("authorization", "sight", "code", "seen"),
    [
        (basic("ana", "right: é"), None, 200, "ana"),
        (basic("Ana", "right: é"), "ana", 200, "ana"),
        (basic("ana", "right: é"), "bob", 401, None),
        (basic("ana", "wrong"), None, 401, None),
        (basic("root", "admin"), None, 200, None),
        (basic("root", "admin"), "bob", 200, "bob"),
        (basic("", ""), None, 401, None),
        ("", None, 401, None),
        ("Bearer x", None, 401, None),
        ("Basic !!!", None, 401, None),
        ("Basic " + "A" * 5000, None, 401, None),
    ],
)
def test_who_sees_what(authorization: str, sight: str | None, code: int, seen: str | None) -> None:
    authenticate: Authenticate = Passwords()
    answer = admitted(gate((), (), authenticate, ["root"]), request(sight, authorization=authorization))
    assert status(answer) == code
    if isinstance(answer, Response):
        assert answer.fields[0][0] == "WWW-Authenticate"
    else:
        assert answer.sight == seen


def test_a_right_password_is_kept_for_a_while_and_a_wrong_one_is_not() -> None:
    passwords, now = Passwords(), [0.0]
    terms = Gate(Terms(authenticate=passwords), lambda: now[0])
    for count in (1, 1, 1):
        assert status(admitted(terms, request(authorization=basic("ana", "right: é")))) == 200 and passwords.asked == count
    now[0] = KEPT + 1
    admitted(terms, request(authorization=basic("ana", "right: é")))
    assert passwords.asked == 2
    for count in (3, 4):
        assert status(admitted(terms, request(authorization=basic("ana", "x")))) == 401 and passwords.asked == count


def test_after_a_change_of_passwords_none_is_kept_that_was_right_before() -> None:
    passwords = Passwords()
    terms = Gate(Terms(authenticate=passwords), lambda: 0.0)
    ana = request(authorization=basic("ana", "right: é"))
    admitted(terms, ana)
    terms.forget()
    admitted(terms, ana)
    assert passwords.asked == 2
    late: list[Callable[[bool | None], None]] = []
    slow = Gate(Terms(authenticate=lambda name, password, answer: late.append(answer)), lambda: 0.0)
    for _ in range(2):  # the first check began before the change
        slow.admit(ana, lambda _: None)
        slow.forget()
        late[-1](True)
    assert len(late) == 2


def test_too_many_passwords_at_once_are_a_503() -> None:
    passwords = Passwords()
    passwords.is_busy = True
    assert status(admitted(gate((), (), passwords), request(authorization=basic("ana", "right: é")))) == 503


def test_without_passwords_everybody_sees_all() -> None:
    answer = admitted(gate(), request())
    assert isinstance(answer, Request) and answer.sight is None
