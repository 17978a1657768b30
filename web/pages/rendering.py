"""From data to HTML: the templates, and what each of them knows of the request.

Knows nothing about where the data comes from.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..request import Request
from ..response import RETRY_AFTER, RETRY_SECONDS, Response, page
from . import moments
from .assets import HASH
from .languages import Language, language_of
from .links import base_of, linked, list_address, root_of
from .policies import PAGE
from .sidebar import Sidebar

_ZONE_COOKIE = re.compile(r"(?:^|;\s*)zone=([A-Za-z0-9_+/%-]{1,80})")
_SCRIPTS = "script."
_ICON = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='4' "
    "fill='%231f4e9c'/><path d='M3 5h10v6.5H3zl5 4 5-4' fill='none' stroke='%23fff' stroke-width='1.3'/></svg>"
)
"""That of the page, in its address: browsers would ask for another file."""

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).resolve().parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
TEMPLATES.filters["linked"] = linked


def prepare() -> None:
    """Compiles all templates, so that nobody waits for that. For a thread beside the loop: it takes 0.2 s of CPU."""
    for name in TEMPLATES.list_templates():
        TEMPLATES.get_template(name)


class Renderer:
    """Makes pages. `now` gives the time, `zone` is that of clients that have not said theirs."""

    def __init__(self, now: Callable[[], datetime], zone: str) -> None:
        self._now = now
        self._zone = zone

    def page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        """A page, or a piece of one, of the template `name`."""
        body = TEMPLATES.get_template(name).render(**self._known(request), **values)
        return page(body, status, PAGE)

    def trouble(self, request: Request, side: Sidebar, text: str) -> Response:
        """A page that says why there is no other: what is `gone` stays so, what is not now is asked for again."""
        is_gone = text == "gone"
        again = 0 if is_gone else RETRY_SECONDS
        made = self.page(request, "trouble.html", 404 if is_gone else 503, side=side, text=text, again=again)
        return made if is_gone else made._replace(fields=(*made.fields, RETRY_AFTER))

    def zone_of(self, request: Request) -> str:
        """The time zone of a client: its own, which our script has told, or that of the server."""
        match = _ZONE_COOKIE.search(request.fields.get("cookie", ""))
        name = match[1].replace("%2F", "/") if match else self._zone
        return name if moments.zone(name) else self._zone

    def language_of(self, request: Request) -> Language:
        """The language in which a client is answered."""
        return language_of(request.fields.get("accept-language", ""))

    def _known(self, request: Request) -> dict[str, Any]:
        """What every template knows."""
        language, name = self.language_of(request), self.zone_of(request)
        zone = moments.zone(name) or UTC
        now = self._now()
        base, root = base_of(request), root_of(request)
        return {
            "language": language,
            "say": language.say,
            "count": language.counted,
            "size": language.size,
            "number": language.number,
            "short": partial(_short, now=now, zone=zone, language=language),
            "whole": partial(_whole, zone=zone, language=language),
            "zone": name,
            "base": base,
            "root": root,
            "icon_address": _ICON,
            "static": f"{root}/static/{HASH}",
            "list_address": partial(list_address, base),
            "part_address": partial(part_address, base),
            "mailbox_address": lambda mailbox: f"{root}/mailbox/{quote(mailbox, safe='')}/",
            "sight": request.sight,
            "texts": {key[len(_SCRIPTS) :]: text for key, text in language.texts.items() if key.startswith(_SCRIPTS)},
        }


def part_address(base: str, id: str, part: str) -> str:
    """Where a part of a message is."""
    return f"{base}/api/v1/message/{id}/part/{part}"


def _short(text: str, now: datetime, zone: tzinfo, language: Language) -> str:
    when = moments.moment(text)
    return moments.short(when, now, zone, language.calendar) if when else ""


def _whole(text: str, zone: tzinfo, language: Language) -> str:
    when = moments.moment(text)
    return moments.whole(when, zone, language.calendar) if when else ""
