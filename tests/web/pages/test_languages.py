"""Both languages say everything, and no template says anything by itself."""

import re
from pathlib import Path
from string import Formatter

import pytest

from inbox.search import query
from web.contract import Mistake
from web.pages.languages import ENGLISH, LANGUAGES, PORTUGUESE

from ...kit.support import ROOT

PAGES = ROOT / "web" / "pages"
TEMPLATES = sorted((PAGES / "templates").glob("*.html"))
WORDS = {
    "carteiro", "Enter", "Delete", "j", "k", "u", "x", "r", "is", "read", "unread", "tagged", "has", "attachment", "inline",
    "from", "to", "cc", "bcc", "reply", "addressed", "subject", "message", "id", "tag", "before", "after", "larger",
    "smaller", "mb", "kb",
}  # fmt: skip
"""What is the same in all languages: names of keys, and the search language."""


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_have_the_same_texts_with_the_same_blanks() -> None:
    assert list(ENGLISH.texts) == list(PORTUGUESE.texts)
    for key, text in ENGLISH.texts.items():
        assert blanks(text) == blanks(PORTUGUESE.texts[key]), key
        assert text.strip() and PORTUGUESE.texts[key].strip()


def test_mistakes_in_a_search_are_explained_in_portuguese() -> None:
    assert PORTUGUESE.mistakes.keys() == query.MISTAKES.keys() and not ENGLISH.mistakes
    for kind, text in query.MISTAKES.items():
        assert blanks(text) == blanks(PORTUGUESE.mistakes[kind]), kind
    with pytest.raises(query.QueryError) as caught:
        query.parse("larger:{big}")
    mistake = Mistake(str(caught.value), caught.value.at, caught.value.kind, caught.value.values)
    assert PORTUGUESE.explained(mistake) == ("{big} não é um tamanho: escreva 500, 20kb ou 1.5mb", "pt")
    assert ENGLISH.explained(mistake) == (mistake.text, "en") == PORTUGUESE.explained(mistake._replace(kind="another"))


def said(text: str) -> str:
    """What of a template a reader sees or hears, without what its expressions say."""
    text = re.sub(r"(?s)\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", text)
    spoken = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', text)
    seen = re.sub(r"(?s)<[^>]*>|&\w+;", " ", text)
    return " ".join([re.sub(r"\S*[=/]\S*", "", seen), *spoken])  # without attributes and addresses that are made apart


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_template_speaks_by_itself(path: Path) -> None:
    words = set(re.findall(r"[^\W\d_]+", said(path.read_text())))
    assert not words - WORDS


def test_every_text_is_used() -> None:
    sources = "".join(path.read_text() for path in [*TEMPLATES, *PAGES.glob("*.py"), *(PAGES / "static").glob("*.js")])
    made = {"tab ", "note ", "search ", "mark ", "short "}
    for key in ENGLISH.texts:
        name = key.removeprefix("script.").removesuffix(".one").removesuffix(".many")
        found = f'"{name}"' in sources.replace(f'"{key}":', "") or any(name.startswith(start) for start in made)
        assert found or name in ("gone more", "away more", "not now more"), key


@pytest.mark.parametrize(
    ("octets", "english", "portuguese"),
    [
        (0, "0 B", "0 B"),
        (1023, "1023 B", "1023 B"),
        (1024, "1.0 KB", "1,0 KB"),
        (10_240, "10 KB", "10 KB"),
        (1_572_864, "1.5 MB", "1,5 MB"),
        (3 << 40, "3072 GB", "3072 GB"),
    ],
)
def test_sizes_are_short(octets: int, english: str, portuguese: str) -> None:
    assert (ENGLISH.size(octets), PORTUGUESE.size(octets)) == (english, portuguese)


def test_numbers_are_written_as_people_do() -> None:
    assert ENGLISH.counted("messages", 1) == "1 message" and ENGLISH.counted("messages", 1234) == "1,234 messages"
    assert PORTUGUESE.counted("messages", 12345) == "12\u202f345 mensagens".replace("\u202f", PORTUGUESE.thousands)
    assert {language.code for language in LANGUAGES.values()} == {"en", "pt"}
