"""What holds for each row of the table: methods, origins, names, roots; and whatever is asked, nothing is a 500."""

import http.client
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.gate import Terms
from web.routing import Access

from ..kit.web_server import Heard, WebServer, mail

STREAMS = ("/api/stream", "/api/v1/events")
with WebServer() as _example:
    ROWS = [(route.method, route.path, route.access) for route in _example.routes]
FILLED = {"{id}": "latest", "{part}": "1", "{tag}": "one", "{number}": "0"}


def filled(path: str) -> str:
    """The path of a row with something in place of its parameters."""
    for name, value in FILLED.items():
        path = path.replace(name, value)
    return path + "?timeout=0" * (path == "/api/wait")


def add(server: WebServer) -> None:
    fields = ("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b")
    server.add(mail(text="--b\n\nx\n--b\n\ny\n--b--", fields=fields), "johndoe")


def row_id(value: object) -> str:
    return value.name if isinstance(value, Access) else str(value)


@pytest.mark.parametrize(("method", "path", "access"), ROWS, ids=row_id)
def test_methods_of_a_path(server: WebServer, method: str, path: str, access: Access) -> None:
    path = filled(path)
    rows = {other for other, pattern, _ in ROWS if filled(pattern) == path}
    allowed = {*rows, "OPTIONS", *(["HEAD"] if "GET" in rows else [])}
    heard = server.ask("OPTIONS", path)
    assert (heard.status, heard.body) == (204, b"") and set(heard.fields["allow"].split(", ")) == allowed
    for other in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - allowed:
        heard = server.ask(other, path)
        assert heard.status == 405 and set(heard.fields["allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", [path for method, path, _ in ROWS if method == "GET" and path not in STREAMS])
def test_head_is_get_without_a_body(server: WebServer, path: str) -> None:
    add(server)
    path = filled(path) + "?query=x" * ("search" in path)
    got, head = server.ask("GET", path), server.ask("HEAD", path)
    assert head.body == b"" and head.status == got.status
    assert {**head.fields, "content-length": ""} == {**got.fields, "content-length": ""}


@pytest.mark.parametrize(("method", "path", "access"), ROWS, ids=row_id)
def test_origins(server: WebServer, method: str, path: str, access: Access) -> None:
    """What changes something or streams is not for pages of other origins; what they read is not for them to see."""
    add(server)
    is_guarded = access in (Access.CHANGING, Access.STREAMING)
    for fields in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        heard = server.ask(method, filled(path), None, fields)
        assert (heard.status == 403) == is_guarded and "access-control-allow-origin" not in heard.fields
        if is_guarded:
            assert heard.body == b"Blocked due to CORS violation\n"
    assert server.get("/api/v1/messages").json["total"] == 1
    assert server.get("/api/v1/messages").json["messages"][0]["Tags"] == []
    for fields in ({"Origin": server.url}, {"Sec-Fetch-Site": "same-origin"}, {}):
        if path not in STREAMS:
            assert server.ask(method, filled(path), None, {**fields, "Host": f"127.0.0.1:{server.port}"}).status != 403


@pytest.mark.parametrize(("method", "path", "access"), ROWS, ids=row_id)
def test_hosts(server: WebServer, method: str, path: str, access: Access) -> None:
    assert server.ask(method, filled(path), None, {"Host": "evil.example"}).status == 421


@pytest.fixture(scope="module")
def closed() -> Iterator[WebServer]:
    """A server that asks for a name: ana's password is right."""
    terms = Terms(authenticate=lambda name, password, answer: answer(name == "ana"))
    with WebServer(terms, "/root") as server:
        server.add(mail("Other"), "bob")
        yield server


@pytest.mark.parametrize(("method", "path", "access"), ROWS, ids=row_id)
def test_names_and_roots(closed: WebServer, method: str, path: str, access: Access) -> None:
    """Without a name, with a wrong one, and for somebody else's mailbox there is nothing. Nor is there outside the root."""
    path = filled(path)
    wanted = 200 if access is Access.HEALTH else 401
    right, wrong = {"Authorization": "Basic YW5hOng="}, {"Authorization": "Basic Ym9iOng="}
    for fields in ({}, wrong):
        assert closed.ask(method, f"/root{path}", None, fields).status == wanted
    assert closed.ask(method, f"/root/mailbox/bob{path}", None, right).status == wanted
    assert closed.ask(method, path, None, right).status == 404
    if path not in STREAMS and method == "GET" and "{" not in path:
        heard = closed.ask(method, f"/root/mailbox/ana{path}", None, right)
        assert heard.status != 401 and b"Other" not in heard.body


@pytest.fixture(scope="module")
def shared() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["latest", "0", "-1", "1" * 20, "A" * 22, "before:2026-01-01", 'subject:"', "is:read", "UTC", "..", "%00"]
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "IDs",
        "ids",
        "Read",
        "Search",
        "Tags",
        "Name",
        "query",
        "all",
        "From",
        "To",
        "Subject",
        "Attachments",
        "Headers",
        "Text",
    ]
)
BODIES = st.one_of(
    st.none(), st.binary(max_size=60), JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(NAMES, JSON, max_size=4).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip
QUERIES = st.dictionaries(
    st.sampled_from(["query", "start", "limit", "tz", "kind", "after", "delay", "embed", "dl", "timeout"]), TEXTS, max_size=4
)
FIELDS = st.dictionaries(
    st.sampled_from(["Prefer", "Range", "Content-Type", "Accept-Encoding", "Origin", "Last-Event-ID", "Authorization"]),
    st.sampled_from(
        [
            "wait=0",
            "bytes=0-",
            "bytes=5-1",
            "bytes=-0",
            "application/x-www-form-urlencoded",
            "gzip",
            "Basic %",
            "null",
            "x" * 300,
        ]
    ),
    max_size=3,
)


def quoted(text: str) -> str:
    return "".join(f"%{octet:02x}" for octet in text.encode("utf-8", "surrogatepass"))


def asked(server: WebServer, method: str, path: str, body: bytes | None, fields: dict[str, str]) -> Heard:
    try:
        return server.ask(method, path, body, fields)
    except http.client.RemoteDisconnected:
        raise AssertionError("no answer") from None


@settings(max_examples=400)
@given(data=st.data())
def test_whatever_is_asked_nothing_is_a_500(shared: WebServer, data: st.DataObject) -> None:
    rows = [row for row in ROWS if row[1] not in STREAMS]
    method, path, _ = data.draw(st.sampled_from(rows))
    for name, value in FILLED.items():
        if name in path:
            path = path.replace(name, quoted(data.draw(st.just(value) | TEXTS)))
    query = {**data.draw(QUERIES), **({"timeout": "0"} if path == "/api/wait" else {})}
    asks = "&".join(f"{name}={quoted(value)}" for name, value in query.items())
    if not shared.call(lambda: bool(shared.inbox.copies)):
        add(shared)
    with Complaints() as complaints:
        heard = asked(shared, method, f"{path}?{asks}", data.draw(BODIES), data.draw(FIELDS))
        assert heard.status < 500 and not complaints.heard


class Complaints(logging.Handler):
    """Whatever is logged as an error meanwhile."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())

    def __enter__(self) -> "Complaints":
        logging.getLogger("carteiro").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("carteiro").removeHandler(self)


def test_each_row_is_in_one_place_only() -> None:
    assert len({(method, path) for method, path, _ in ROWS}) == len(ROWS) == 39
