"""Which messages a request means."""

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inbox.search.query import LONGEST_QUERY, Contains, QueryError, parse
from web.request import Request, RequestError, target_of
from web.selecting import flag_of, ids_of, is_sound, phrase, text_of, texts_of, window, zone_of

from ..kit.web_server import WebServer

ID = "A" * 22


def request(query: str) -> Request:
    return Request("GET", target_of(f"/?{query}".encode()), {})


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", (0, 50)),
        ("limit=0", (0, 5_000)),
        ("limit=7000", (0, 5_000)),
        ("start=007&limit=1", (7, 1)),
        ("start=" + "9" * 99, (10**9, 50)),
    ],
)
def test_a_list_has_bounds(query: str, wanted: tuple[int, int]) -> None:
    assert window(request(query)) == wanted


@pytest.mark.parametrize("zone", ["", "UTC", "Europe/Lisbon", "Etc/GMT%2B5"])
def test_time_zones(zone: str) -> None:
    assert zone_of(request(f"tz={zone}")) == (zone.replace("%2B", "+") or "UTC")


@pytest.mark.parametrize(
    "zone",
    ["x", "../../etc/passwd", "/etc/localtime", "Europe", "Europe/", "tzdata.zi", "%00", "a" * 3000, "posixrules/x", "."],
)
def test_what_is_no_time_zone(zone: str) -> None:
    with pytest.raises(RequestError):
        zone_of(request(f"tz={zone}"))


@given(st.text(min_size=1))
@example('"')
@example("\\")
@example('\\"')
@example("-from:x")
def test_a_phrase_means_its_letters(text: str) -> None:
    try:
        (term,) = parse(f"subject:{phrase(text)}").terms
    except QueryError:
        assert not text.replace("\0", "").strip()
    else:
        assert term == Contains("subject", text.replace("\0", ""))


def test_values_of_bodies() -> None:
    form = {"ids": [ID, ID], "one": ["x"], "two": ["x", "y"], "flag": ["True"], "text": "t", "on": True, "nothing": None}
    assert ids_of(form) == [ID] and ids_of({}) == ids_of(form, "nothing") == []
    assert (text_of(form, "one"), text_of(form, "text"), text_of(form, "nothing"), text_of(form, "none")) == (
        "x",
        "t",
        "",
        "",
    )
    assert flag_of(form, "flag") and flag_of(form, "on") and not flag_of(form, "nothing") and not flag_of({}, "x")
    assert texts_of(form, "two", 2) == ["x", "y"]
    for wrong in (lambda: text_of(form, "two"), lambda: texts_of(form, "two", 1), lambda: flag_of(form, "text")):
        with pytest.raises(RequestError):
            wrong()


def test_lone_surrogates_are_no_text() -> None:
    assert is_sound("\U0001f600 \u00e9") and is_sound("x") and not is_sound("a\ud800") and not is_sound("\udfff")


def test_blanks_count_in_a_search_that_is_too_long() -> None:
    query = "a" + "\x1d" * LONGEST_QUERY
    with WebServer() as server:
        heard = server.ask("DELETE", f"/api/v1/search?query={quote(query)}")
        assert heard.status == 400 and "longer than 2,000" in heard.text
        assert server.ask("DELETE", "/api/v1/search?query=%1D").status == 400
        assert server.ask("PUT", "/api/v1/messages", b'{"Search": " ", "Read": true}').status == 200
