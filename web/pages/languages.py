"""The languages of the page, and which one a browser asks for. The texts stand in a module for each language."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..contract import Mistake
from .english import CALENDAR as ENGLISH_CALENDAR
from .english import TEXTS as ENGLISH_TEXTS
from .moments import Calendar
from .portuguese import CALENDAR as PORTUGUESE_CALENDAR
from .portuguese import MISTAKES as PORTUGUESE_MISTAKES
from .portuguese import TEXTS as PORTUGUESE_TEXTS

_WANTED = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,40})?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")
MOST_WANTED = 20
"""Languages in an Accept-Language field that are looked at."""


class Language(NamedTuple):
    """What is said in a language, and how numbers and dates are written in it."""

    code: str
    """As in the `lang` attribute."""
    texts: dict[str, str]
    calendar: Calendar
    thousands: str
    point: str
    mistakes: Mapping[str, str] = MappingProxyType({})
    """What is said of mistakes in a search, if it is something else than what the store of mail says."""

    def say(self, key: str, **values: object) -> str:
        """A text, with values in the place of `{name}`."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def counted(self, key: str, number: int, **values: object) -> str:
        """A text about a number of things: `key.one` or `key.many`, in which `{number}` stands."""
        return self.say(f"{key}.one" if number == 1 else f"{key}.many", number=self.number(number), **values)

    def explained(self, mistake: Mistake) -> tuple[str, str]:
        """What is wrong with a search, and the code of the language in which that is said."""
        if mistake.kind in self.mistakes:
            return self.mistakes[mistake.kind].format(**mistake.values), self.code
        return mistake.text, ENGLISH.code

    def number(self, number: int) -> str:
        """A whole number with its thousands apart."""
        return f"{number:,}".replace(",", self.thousands)

    def size(self, octets: int) -> str:
        """A number of octets, in the unit that fits. A kilobyte has 1,024, as in the search language."""
        if octets < 1 << 10:
            return f"{octets} B"
        amount, unit = octets / (1 << 10), "KB"
        for larger in ("MB", "GB"):
            if amount >= 1 << 10:
                amount, unit = amount / (1 << 10), larger
        digits = f"{amount:.1f}" if amount < 10 else f"{amount:.0f}"
        return f"{digits.replace('.', self.point)} {unit}"


ENGLISH = Language("en", ENGLISH_TEXTS, ENGLISH_CALENDAR, ",", ".")
PORTUGUESE = Language("pt", PORTUGUESE_TEXTS, PORTUGUESE_CALENDAR, " ", ",", PORTUGUESE_MISTAKES)
LANGUAGES = {language.code: language for language in (ENGLISH, PORTUGUESE)}


def language_of(accepted: str) -> Language:
    """The language that an Accept-Language field (RFC 9110 section 12.5.4) likes most; English if there is none of ours."""
    best, liking = ENGLISH, 0.0
    for part in accepted.split(",")[:MOST_WANTED]:
        match = _WANTED.fullmatch(part)
        if match and match[1].lower() in LANGUAGES:
            quality = float(match[2] or 1)
            if quality > liking:
                best, liking = LANGUAGES[match[1].lower()], quality
    return best
