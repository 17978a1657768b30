"""Which messages a request means: ids, a search, a time zone, `latest`. What is wrong with it is a RequestError.

Texts that go to an inbox have no lone surrogates: no database takes them.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from .answering import found
from .contract import Inbox, Page, Selection
from .request import Request, RequestError
from .response import Reply

MOST_ROWS = 5_000
"""Messages of a list."""

MOST_IDS = 5_000
"""Messages that a request can name."""

FURTHEST = 10**9
"""Messages that a list can leave out."""

IS_ID = re.compile(r"[0-9A-Za-z]{22}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}")
_FLAGS = {"true": True, "1": True, "false": False, "0": False, "": False}


def window(request: Request, limit: int = 50, most: int = MOST_ROWS) -> tuple[int, int]:
    """Where a list begins, and how long it is: `limit` unless the request says so; 0 means all, `most` at most."""
    return request.number("start", 0, FURTHEST), request.number("limit", limit, most) or most


def zone_of(request: Request) -> str:
    """The time zone that a request names; UTC if it names none."""
    name = request.first("tz").strip()
    if name and not _is_zone(name):
        raise RequestError(400, f"tz is no time zone: {name[:40]}: write one as Europe/Lisbon")
    return name or "UTC"


@lru_cache(1_000)
def _is_zone(name: str) -> bool:
    try:
        return bool(_ZONE.fullmatch(name) and ZoneInfo(name))
    except (ValueError, OSError, LookupError):
        return False


def search_of(request: Request) -> Selection:
    """The search that stands in the query. Raises RequestError if there is none."""
    query = request.first("query")  # as it is: a limit counts blanks, too
    if not query.strip():
        raise RequestError(400, "no search query: write it as query=subject:welcome")
    return Selection(query=query, zone=zone_of(request))


def phrase(text: str) -> str:
    """A text as a phrase of a search: no letter of it means anything else. It has no NUL, which nobody can search for."""
    escaped = text.replace("\0", "").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def only(form: Mapping[str, Any], *names: str) -> None:
    """Raises RequestError for other fields: one that is misspelt would select everything."""
    if others := sorted(form.keys() - {*names}):
        raise RequestError(400, f"there is no field {others[0][:40]}: these are {', '.join(names)}")


def ids_of(form: Mapping[str, Any], name: str = "ids") -> list[str]:
    """The ids in a body, each once; none if the field is missing or empty."""
    ids = texts_of(form, name, MOST_IDS)
    if odd := next((id for id in ids if not IS_ID.fullmatch(id)), None):
        raise RequestError(400, f"{name}: this is no id: {odd[:40]}")
    return list(dict.fromkeys(ids))


def texts_of(form: Mapping[str, Any], name: str, most: int) -> list[str]:
    """A list of texts in a body; empty if the field is missing."""
    given = form.get(name)
    texts = [] if given is None else given
    if not isinstance(texts, list) or not all(isinstance(text, str) and is_sound(text) for text in texts):
        raise RequestError(400, f"{name} is no list of texts")
    if len(texts) > most:
        raise RequestError(400, f"{name} has more than {most:,} entries")
    return texts


def text_of(form: Mapping[str, Any], name: str) -> str:
    """A text in a body; "" if the field is missing."""
    text = _single(form, name)
    if text is None:
        return ""
    if not isinstance(text, str) or not is_sound(text):
        raise RequestError(400, f"{name} is no text")
    return text


def flag_of(form: Mapping[str, Any], name: str) -> bool:
    """A truth value in a body; False if the field is missing."""
    flag = _single(form, name)
    if flag is None or isinstance(flag, bool):
        return bool(flag)
    if not isinstance(flag, str) or flag.lower() not in _FLAGS:
        raise RequestError(400, f"{name} is neither true nor false")
    return _FLAGS[flag.lower()]


def _single(form: Mapping[str, Any], name: str) -> Any:
    """The value of a field; in a form each is a list."""
    value = form.get(name)
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else value


def is_sound(text: str) -> bool:
    """Whether a text can be said in UTF-8."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def identified(inbox: Inbox, request: Request, reply: Reply, go_on: Callable[[str], None]) -> None:
    """Goes on with the id in the path; `latest` is that of the latest message, or of the latest that `query` finds."""
    id = request.parameters["id"]
    if id != "latest":
        go_on(id)
        return

    def listed(page: Page) -> None:
        if not page.rows:
            raise RequestError(404, "there is no message")
        go_on(page.rows[0]["ID"])

    selection = search_of(request) if request.first("query").strip() else Selection()
    inbox.page(request.sight, selection, 0, 1, found(reply, listed, 503))
