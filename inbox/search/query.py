"""The search language, parsed once into a tree that each store of mail compiles for itself.

    terms          all must hold; a word is looked for in addresses, subject, text and names of files
    "a phrase"     words with blanks between; `\\"` is a quote in it
    -term !term    must not hold
    from: to: cc: bcc: reply-to: addressed: subject: message-id:        contain a word, or a phrase
    tag:NAME  is:read  is:unread  is:tagged  has:attachment  has:inline
    before:DATE  after:DATE  larger:SIZE  smaller:SIZE

A mistake is an error that says what, where, and what to write instead: a term that were left out in silence would make
"delete all that is found" delete more than was meant. Knows nothing about how mail is stored.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from typing import NamedTuple

LONGEST_QUERY = 2_000
"""Characters."""

MOST_TERMS = 100

LARGEST = 1 << 62
"""Octets: what a database can compare with. No mail is larger."""


MISTAKES = {
    "too long": "The search is longer than {most} characters",
    "NUL": "There is a NUL in the search, which no mail has: leave it out",
    "too many": "The search has more than {most} terms",
    "empty": 'There is nothing to look for: write a word, a "phrase", or for example from:ana',
    "no value": "Nothing stands behind {name}: write {example}",
    "no end": 'A phrase has no end: write " behind it, and a blank before what follows',
    "empty phrase": "There is nothing between the quotes: write what to look for",
    "quote": 'A quote stands within a word: write a blank before it, or \\" in a "phrase"',
    "no field": 'There is no field {name}: To find these letters, write "{name}:..." in quotes',
    "misspelt": 'There is no field {name}: did you mean {close}:? To find these letters, write "{name}:..." in quotes',
    "no state": "A message is never {text}: write is:read, is:unread or is:tagged",
    "no thing": "No search is for messages that have {text}: write has:attachment or has:inline",
    "no date": '{text} is no date: write 2026-11-26, 2026-11-26T09:30 or "2026-11-26 09:30 +0100"',
    "no size": "{text} is no size: write 500, 20kb or 1.5mb",
}
"""What a mistake in a query is, by its kind, and what to write instead. {Names} stand for what the query says."""


class QueryError(ValueError):
    """A mistake in a query. `at` is where it is, in characters from the beginning; its text is for people to read. `kind` is
    one of MISTAKES, `values` is what stands in its text.
    """

    def __init__(self, query: str, at: int, kind: str, **values: str) -> None:
        super().__init__(f"{MISTAKES[kind].format(**values)} (at character {at + 1})")
        self.query = query
        self.at = at
        self.kind = kind
        self.values = values


class Contains(NamedTuple):
    """A text is somewhere in a field, in upper or lower case; in any that is searched if the field is ""."""

    field: str
    text: str


class HasTag(NamedTuple):
    """A message has exactly this tag, in upper or lower case."""

    tag: str


class Is(NamedTuple):
    """`read`, `unread` or `tagged`."""

    state: str


class Has(NamedTuple):
    """`attachment` or `inline`: at least one."""

    what: str


class Before(NamedTuple):
    """Received before a moment, which is in UTC."""

    when: datetime


class After(NamedTuple):
    """Received at a moment, which is in UTC, or later."""

    when: datetime


class Larger(NamedTuple):
    """Of more octets than these."""

    octets: int


class Smaller(NamedTuple):
    """Of fewer octets than these."""

    octets: int


Test = Contains | HasTag | Is | Has | Before | After | Larger | Smaller


class Not(NamedTuple):
    """What must not hold."""

    test: Test


class Query(NamedTuple):
    """What must all hold. There is at least one term."""

    terms: tuple[Test | Not, ...]


class _Value(NamedTuple):
    """What stands behind the name of a field, and where."""

    query: str
    at: int
    text: str
    zone: tzinfo

    def error(self, kind: str) -> QueryError:
        return QueryError(self.query, self.at, kind, text=self.text)


TEXT_FIELDS = ("from", "to", "cc", "bcc", "reply-to", "addressed", "subject", "message-id")
"""Fields in which a text is looked for. `addressed` is all those of addresses."""

_STATES = ("read", "unread", "tagged")
_THINGS = {"attachment": "attachment", "attachments": "attachment", "inline": "inline", "inlines": "inline"}
_BEGINNING = re.compile(r"([-!]?)(?>(?:([A-Za-z][A-Za-z-]*+):)?)")
_PHRASE = re.compile(r'"((?>(?:[^"\\]|\\.)*))"(?!\S)', re.DOTALL)
_WORD = re.compile(r"\S*+")
_ESCAPED = re.compile(r'\\(["\\])')
_DATE = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[Tt ](\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?)?\s*(Z|z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_SIZE = re.compile(r"(\d{1,12})(?:[.,](\d{1,6}))?\s*([kmg]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse(query: str, zone: tzinfo = UTC) -> Query:
    """The tree of a query. Dates that name no zone are in `zone`. Raises QueryError."""
    if len(query) > LONGEST_QUERY:
        raise QueryError(query, LONGEST_QUERY, "too long", most=f"{LONGEST_QUERY:,}")
    if "\0" in query:
        raise QueryError(query, query.index("\0"), "NUL")
    terms: list[Test | Not] = []
    at = _blanks(query, 0)
    while at < len(query):
        if len(terms) == MOST_TERMS:
            raise QueryError(query, at, "too many", most=f"{MOST_TERMS}")
        term, at = _term(query, at, zone)
        terms.append(term)
    if not terms:
        raise QueryError(query, 0, "empty")
    return Query(tuple(terms))


def _blanks(query: str, at: int) -> int:
    """Where the next term begins."""
    return len(query) - len(query[at:].lstrip())


def _term(query: str, at: int, zone: tzinfo) -> tuple[Test | Not, int]:
    """The term that begins at a place, and where the next one begins."""
    beginning = _BEGINNING.match(query, at)
    sign, name = (beginning[1], beginning[2] or "") if beginning else ("", "")
    start = beginning.end() if beginning else at
    text, end, is_phrase = _text(query, start)
    field = name.lower()
    if field and field not in TEXT_FIELDS and field not in _MEANINGS:
        _refuse_misspelling(query, at, name, is_phrase or bool(sign and text))
        field, text = "", f"{name}:{text}"
    elif not field and not text:
        sign, text = "", sign
    elif not text.strip():
        raise QueryError(query, start, "no value", name=name, example=_EXAMPLES.get(field, f"{field}:ana"))
    test = _MEANINGS[field](_Value(query, start, text, zone)) if field in _MEANINGS else Contains(field, text)
    return (Not(test) if sign else test), _blanks(query, end)


def _text(query: str, start: int) -> tuple[str, int, bool]:
    """A word or a phrase, where it ends, and whether it is a phrase."""
    if query.startswith('"', start):
        phrase = _PHRASE.match(query, start)
        if not phrase:
            raise QueryError(query, start, "no end")
        if not phrase[1].strip():
            raise QueryError(query, start, "empty phrase")
        return _ESCAPED.sub(r"\1", phrase[1]), phrase.end(), True
    word = _WORD.match(query, start)
    end = word.end() if word else start
    if (quote := query.find('"', start, end)) >= 0:
        raise QueryError(query, quote, "quote")
    return query[start:end], end, False


def _refuse_misspelling(query: str, at: int, name: str, is_for_a_field: bool) -> None:
    """What is no field is a text, as in `http://example.org`, unless it looks like one. After a minus it is never a text:
    `-nonsense:x` would find nearly everything.
    """
    close = get_close_matches(name.lower(), [*TEXT_FIELDS, *_MEANINGS], 1, 0.7)
    if close or is_for_a_field:
        if close:
            raise QueryError(query, at, "misspelt", name=name, close=close[0])
        raise QueryError(query, at, "no field", name=name)


def _tag(value: _Value) -> Test:
    return HasTag(value.text)


def _is(value: _Value) -> Test:
    if value.text.lower() not in _STATES:
        raise value.error("no state")
    return Is(value.text.lower())


def _has(value: _Value) -> Test:
    if value.text.lower() not in _THINGS:
        raise value.error("no thing")
    return Has(_THINGS[value.text.lower()])


def _before(value: _Value) -> Test:
    return Before(_moment(value))


def _after(value: _Value) -> Test:
    return After(_moment(value))


def _larger(value: _Value) -> Test:
    return Larger(_octets(value))


def _smaller(value: _Value) -> Test:
    return Smaller(_octets(value))


_MEANINGS: dict[str, Callable[[_Value], Test]] = {
    "tag": _tag,
    "is": _is,
    "has": _has,
    "before": _before,
    "after": _after,
    "larger": _larger,
    "smaller": _smaller,
}
_EXAMPLES = {
    "tag": "tag:urgent",
    "is": "is:unread",
    "has": "has:attachment",
    "before": "before:2026-11-26",
    "after": "after:2026-11-26",
    "larger": "larger:2mb",
    "smaller": "smaller:10kb",
    "subject": "subject:welcome",
    "message-id": "message-id:abc@example.org",
}


def _moment(value: _Value) -> datetime:
    """The beginning of a day, or a time of it."""
    match = _DATE.fullmatch(value.text.strip())
    zone = value.zone
    try:
        year, month, day, hour, minute, second = (int(digits or 0) for digits in match.groups()[:6]) if match else [0] * 6
        own = match[7] if match else None
        if own:
            zone = datetime.strptime(own.upper(), "%z").tzinfo or value.zone
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise value.error("no date") from None


def _octets(value: _Value) -> int:
    """A size in octets; a kilobyte has 1,024."""
    match = _SIZE.fullmatch(value.text.strip())
    if not match:
        raise value.error("no size")
    unit = _UNITS[match[3].lower()]
    return min(int(float(f"{match[1]}.{match[2] or 0}") * unit), LARGEST)
