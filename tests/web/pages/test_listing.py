"""Lists: all mail, searches and their mistakes, pages of a long list, both languages, and rows for scripts."""

import re

import pytest

from web.contract import Mistake
from web.pages.languages import ENGLISH
from web.pages.listing import ROWS, placed
from web.pages.sidebar import MOST_MAILBOXES

from .world import mail, world


def test_a_row_says_what_a_reader_looks_for() -> None:
    with world() as here:
        id = here.add(mail("Lunch?", "At one."), "rui")
        text = here.ask("/").text
        row = text[text.index('<li class="row is-unread"') : text.index("</ol>")]
        for shown in (">new<", "Ana Prado", "Lunch?", "At one.", f"/view/{id}", "09:00", "<bdi>rui</bdi>", f'value="{id}"'):
            assert shown in row
        here.ask(f"/view/{id}")
        assert ">new<" not in here.ask("/").text and "is-unread" not in here.ask("/").text


def test_nothing_is_said_in_words() -> None:
    with world() as here:
        assert "No mail yet" in here.ask("/").text
        here.add(mail())
        assert "Nothing was found" in here.ask("/search?query=zebra").text
        assert "no messages this far back" in here.ask("/?start=50").text
        assert here.ask("/search?query=+").fields["location"] == "/"


def test_a_search_finds_and_stays_in_its_box() -> None:
    with world() as here:
        here.add(mail("Lunch?"))
        here.add(mail("Dinner"))
        text = here.ask("/search?query=subject:%22lunch%3F%22").text
        assert "Lunch?" in text and "Dinner" not in text and "1 message found" in text
        assert 'value="subject:&#34;lunch?&#34;"' in text and "Delete all found" in text


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("before:soon", "soon"),
        ("ana fron:rui", "fron:rui"),
        ('x "open', '"open'),
        ("has:nothing x", "nothing"),
        ("from:", " "),
    ],
)
def test_a_mistake_is_shown_where_it_is(query: str, place: str) -> None:
    with world() as here:
        answer = here.ask(f"/search?query={query.replace(' ', '+')}")
        assert answer.status == 400 and "This search cannot be understood" in answer.text
        mark = re.search(r"<mark>(.*?)</mark>", answer.text)
        assert mark and mark[1].replace("&#34;", '"') == place
        assert 'aria-invalid="true"' in answer.text and 'name="all"' not in answer.text
        pt = here.ask(f"/search?query={query.replace(' ', '+')}", Accept_Language="pt").text
        assert "Não foi possível entender" in pt and '<p lang="pt">' in pt


def test_a_mistake_is_placed_in_the_search() -> None:
    said = {"text": "x", "language": "en"}
    assert placed("a bcd e", Mistake("x", 2), ENGLISH) == {**said, "before": "a ", "place": "bcd", "after": " e"}
    assert placed("abc", Mistake("x", 99), ENGLISH) == {**said, "before": "abc", "place": "", "after": ""}


def test_a_long_list_has_pages() -> None:
    with world() as here:
        for number in range(2 * ROWS + 5):
            here.add(mail(f"Mail {number:03}"))
        first, second, third = (here.ask(f"/?start={start}").text for start in (0, ROWS, 2 * ROWS))
        assert "Mail 104" in first and 'rel="next" href="/?start=50"' in first and 'rel="prev"' not in first
        assert "Mail 054" in second and "51 to 100 of 105" in second and 'rel="prev" href="/"' in second
        assert "Mail 000" in third and 'rel="next"' not in third and third.count('<li class="row') == 5
        assert '<a rel="next" href="/search?query=mail&amp;start=50">' in here.ask("/search?query=mail").text
        assert here.ask("/?start=x").status == 400


def test_scripts_get_rows() -> None:
    with world() as here:
        ids = [here.add(mail(f"Mail {number}")) for number in range(9)]
        text = here.ask("/rows?start=2&limit=3").text
        assert re.findall(r'data-id="(\w+)"', text) == [ids[6], ids[5], ids[4]] and 'data-found="9"' in text
        assert re.findall(r'aria-posinset="(\d)"', text) == ["3", "4", "5"]
        assert re.findall(r'data-id="(\w+)"', here.ask(f"/rows?ids={ids[1]},{ids[0]},nonsense").text) == [ids[1], ids[0]]
        assert 'data-found="1"' in here.ask("/rows?query=subject:%22mail+3%22").text
        assert here.ask("/rows?query=before:soon").status == 400
        assert here.ask("/rows?limit=100000").text.count("<li class=") == 9


def test_the_browser_chooses_the_language() -> None:
    with world() as here:
        here.add(mail())
        for accepted, language, word in (
            ("", "en", "All mail"),
            ("de, fr;q=0.9", "en", "All mail"),
            ("pt-BR,pt;q=0.9,en;q=0.8", "pt", "Todo o correio"),
            ("en;q=0.5, pt-PT", "pt", "Todo o correio"),
            ("pt;q=0, en;q=0.1", "en", "All mail"),
        ):
            answer = here.ask("/", Accept_Language=accepted)
            assert f'<html lang="{language}">' in answer.text and word in answer.text
            assert "Accept-Language" in answer.fields["vary"]


def test_times_are_in_the_zone_of_the_client() -> None:
    with world() as here:
        id = here.add(mail())
        assert ">09:00</time>" in here.ask("/").text
        assert ">18:00</time>" in here.ask("/", Cookie="a=b; zone=Asia/Tokyo").text
        assert (
            "sábado, 28 de novembro de 2026, 08:30:00 WET"
            in here.ask(f"/view/{id}", Cookie="zone=Europe/Lisbon", Accept_Language="pt").text
        )
        for nonsense in ("../../etc/passwd", "Nowhere/Else", "/etc/localtime", "x" * 90):
            assert ">09:00</time>" in here.ask("/", Cookie=f"zone={nonsense}").text


def test_many_mailboxes_are_reached_by_name() -> None:
    with world() as here:
        here.add(mail(), *(f"box{number:03}" for number in range(MOST_MAILBOXES + 2)))
        text = here.ask("/").text
        assert "box199" in text and "box201" not in text.partition("</nav>")[0] and "and 2 more: type a name" in text
        assert "box201" in here.ask("/mailbox/box201/").text.partition("</nav>")[0]
