"""A query as SQL over the tables of an index.

A text in a field of addresses, the subject or the Message-ID is found wherever it stands, even within a word (trigrams); so
is one or two letters, by going through all (LIKE). In the text of messages and names of files words are found, and their
beginnings; what is within a word there is found only by `thoroughly`, which takes long. Of a beginning FTS5 first gathers
all places of all words that begin so; of a word it tells them one by one, so if these words are few, it is asked for each.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from ..search.matching import folded
from ..search.query import After, Before, Contains, Has, HasTag, Is, Larger, Not, Query, Smaller, Test

_COLUMNS = {
    "from": ("sender",),
    "to": ("recipients",),
    "cc": ("cc",),
    "bcc": ("bcc",),
    "reply-to": ("reply_to",),
    "addressed": ("sender", "recipients", "cc", "bcc", "reply_to"),
    "subject": ("subject",),
    "message-id": ("message_id",),
}
_HEADS = ("sender", "recipients", "cc", "bcc", "reply_to", "subject")
_ALL = (*_HEADS, "body", "files")

_SHORTEST = 3
"""Letters that a trigram needs."""

_WORD = re.compile(r"\w+")


Endings = Callable[[str], Sequence[str] | None]
"""All words in texts and names of files that begin like one; None if they are many."""

EITHER = "SELECT rowid FROM heads WHERE heads MATCH ? UNION ALL SELECT rowid FROM words WHERE words MATCH ?"
"""The keys of what one of the two matches of `anywhere` finds."""


class Condition(NamedTuple):
    """A condition on the table `message`, which is called m, or on keys of it, and its values."""

    sql: str
    values: tuple[object, ...] = ()


class Compiled(NamedTuple):
    """A query. What FTS5 can tell of addresses, subject and Message-ID is one match, since FTS5 gives its finds in order."""

    match: str
    """For the table `heads`; "" if it has nothing to tell."""
    rest: Condition
    """What must hold besides; "" if nothing."""


class Sight(NamedTuple):
    """Where a query is asked: the column that is a message's key, and the condition that it is unread in sight."""

    key: str
    unread: str


def compiled(query: Query, sight: Sight, endings: Endings, thoroughly: bool = False) -> Compiled:
    """What must hold of a message that the query finds."""
    matched = [term for term in query.terms if isinstance(term, Contains) and _is_matched(term)]
    parts = [_term(term, sight, endings, thoroughly) for term in query.terms if term not in matched]
    rest = Condition(" AND ".join(part.sql for part in parts), tuple(value for part in parts for value in part.values))
    return Compiled(" AND ".join(_matching(_COLUMNS[term.field], folded(term.text)) for term in matched), rest)


def _is_matched(test: Contains) -> bool:
    return test.field in _COLUMNS and len(folded(test.text)) >= _SHORTEST


def has_words(query: Query) -> bool:
    """Whether a thorough search may find more."""
    return any(
        isinstance(term.test if isinstance(term, Not) else term, Contains) and not _field(term) for term in query.terms
    )


def _field(term: Test | Not) -> str:
    test = term.test if isinstance(term, Not) else term
    return test.field if isinstance(test, Contains) else "none"


def _term(term: Test | Not, sight: Sight, endings: Endings, thoroughly: bool) -> Condition:
    if isinstance(term, Not):  # what must not hold is looked for everywhere: a word overlooked would be found
        inner = _test(term.test, sight, endings, True)
        return Condition(f"NOT ({inner.sql})", inner.values)
    return _test(term, sight, endings, thoroughly)


def _test(test: Test, sight: Sight, endings: Endings, thoroughly: bool) -> Condition:
    key, unread = sight
    match test:
        case Contains(field, text):
            return _contains(key, field, folded(text)) if field else _anywhere(key, folded(text), endings, thoroughly)
        case HasTag(tag):
            return Condition("EXISTS (SELECT 1 FROM marks.tag t WHERE t.id = m.id AND folded(t.tag) = ?)", (folded(tag),))
        case Is("tagged"):
            return Condition("EXISTS (SELECT 1 FROM marks.tag t WHERE t.id = m.id)")
        case Is(state):
            return Condition(unread if state == "unread" else f"NOT {unread}")
        case Has(what):
            return Condition(f"m.{'inlines' if what == 'inline' else 'attachments'} > 0")
        case Before(when):
            return Condition(f"{key} < ?", (microseconds(when),))
        case After(when):
            return Condition(f"{key} >= ?", (microseconds(when),))
        case Larger(octets):
            return Condition("m.size > ?", (octets,))
        case Smaller(octets):
            return Condition("m.size < ?", (octets,))


def microseconds(when: datetime) -> int:
    """The key of a message that was received then."""
    return round(when.timestamp() * 1_000_000)


def _contains(key: str, field: str, text: str) -> Condition:
    if len(text) < _SHORTEST:
        return _scan(key, _COLUMNS[field], text)
    return Condition(f"{key} IN (SELECT rowid FROM heads WHERE heads MATCH ?)", (_matching(_COLUMNS[field], text),))


def anywhere(query: Query, endings: Endings) -> list[tuple[str, str]]:
    """What to ask the tables `heads` and `words` for, for each term, if all are texts that may stand anywhere."""
    texts = [folded(term.text) if isinstance(term, Contains) and not term.field else "" for term in query.terms]
    found = [_matches(text, endings) for text in texts]
    return [matches for matches in found if matches] if all(found) else []


def _matches(text: str, endings: Endings) -> tuple[str, str] | None:
    """The same for a folded text; None if FTS5 cannot find it."""
    words = _WORD.findall(text)
    if len(text) < _SHORTEST or not words:
        return None
    *before, last = words
    # Of other letters FTS5's tokenizer may think otherwise than Python does.
    known = endings(last) if last.isascii() and last.isalnum() else None
    phrases = [_quoted(" ".join((*before, word))) for word in known or ()]
    return _matching(_HEADS, text), f"({' OR '.join(phrases)})" if phrases else f"({_quoted(' '.join(words))} *)"


def _anywhere(key: str, text: str, endings: Endings, thoroughly: bool) -> Condition:
    found = None if thoroughly else _matches(text, endings)
    return Condition(f"{key} IN ({EITHER})", found) if found else _scan(key, _ALL, text)


def _matching(columns: tuple[str, ...], text: str) -> str:
    return f"({{{' '.join(columns)}}} : {_quoted(text)})"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _scan(key: str, columns: tuple[str, ...], text: str) -> Condition:
    """Goes through all: what FTS5 cannot tell."""
    tests = " OR ".join(f"instr(s.{column}, ?) > 0" for column in columns)
    return Condition(f"{key} IN (SELECT s.key FROM searched s WHERE {tests})", (text,) * len(columns))
