"""Marking, deleting and taking back, by plain forms as a browser without script sends them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from web.pages.deletions import DELAY, MOST_KEPT, SLACK, Deletions

from .world import mail, world


def test_marking_leads_back_and_says_so() -> None:
    with world() as here:
        one, two = here.add(mail("One")), here.add(mail("Two"))
        answer = here.post("/mark/read", f"id={one}&id={two}&start=0")
        assert answer.status == 303 and [copy.is_read for copy in here.inbox.copies] == [True, True]
        assert "2 messages marked as read" in here.ask(answer.fields["location"]).text
        here.post("/mark/unread", f"id={one},{two}")
        assert [copy.is_read for copy in here.inbox.copies] == [False, False]
        assert here.post("/mark/purple", f"id={one}").status == 404


def test_deleting_can_be_taken_back() -> None:
    with world() as here:
        id = here.add(mail("Precious"), "ana", "rui")
        here.add(mail("Other"))
        answer = here.post("/delete", f"id={id}&query=precious&start=0")
        assert answer.fields["location"].startswith("/search?query=precious&undo=")
        page = here.ask(answer.fields["location"]).text
        assert "1 message deleted" in page and "Precious" not in page.partition("<main")[2].replace("precious", "")
        assert {delay for _, _, delay in here.inbox.deleted} == {DELAY}
        undo = re.search(r'name="undo" value="([\w-]+)"', page)
        assert undo
        answer = here.post("/restore", f"undo={undo[1]}")
        assert "1 message is back" in here.ask(answer.fields["location"]).text
        assert "Precious" in here.ask("/").text
        assert "too+late" in here.post("/restore", f"undo={undo[1]}").fields["location"]


def test_an_undo_is_only_for_who_has_deleted() -> None:
    with world() as here:
        id = here.add(mail(), "ana", "rui")
        undo = here.post("/mailbox/ana/delete", f"id={id}").fields["location"].partition("undo=")[2]
        assert "too+late" in here.post("/mailbox/rui/restore", f"undo={undo}").fields["location"]
        assert here.inbox.copies[0].mailboxes == ["rui"]
        assert "restored" in here.post("/mailbox/ana/restore", f"undo={undo}").fields["location"]


def test_all_that_is_found_is_deleted_and_no_more() -> None:
    with world() as here:
        for number in range(120):
            here.add(mail(f"Mail {number % 2}"))
        answer = here.post("/delete", "all=1&query=subject:%22mail+1%22")
        assert "60 messages deleted" in here.ask(answer.fields["location"]).text
        assert "60 messages" in here.ask("/").text
        assert here.post("/delete", "all=1&query=before:soon").status == 400
        assert "60 messages" in here.ask("/").text
        here.post("/delete", "all=1")
        assert "No mail yet" in here.ask("/").text


@pytest.mark.parametrize(
    "form", ["", "id=", "id=nonsense", "query=x", "id=../../../../../../../x", '{"id": 7}', '{"all": [1]}']
)
def test_a_form_about_nothing_changes_nothing(form: str) -> None:
    with world() as here:
        here.add(mail())
        for path in ("/delete", "/mark/read"):
            answer = here.post(
                path, form, Content_Type="application/json" if form[:1] == "{" else "application/x-www-form-urlencoded"
            )
            assert "nothing+selected" in answer.fields["location"]
            assert "No message is selected" in here.ask(answer.fields["location"]).text
        assert not here.inbox.deleted and not here.inbox.copies[0].is_read


def test_pages_of_others_change_nothing() -> None:
    with world() as here:
        id = here.add(mail())
        for path in ("/delete", "/mark/read", "/restore"):
            for fields in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
                assert here.post(path, f"id={id}", **fields).status == 403
            assert here.ask(path).status == 405
        assert not here.inbox.deleted


def test_a_script_gets_the_notice_alone() -> None:
    with world() as here:
        id = here.add(mail())
        answer = here.post("/delete", f"id={id}&part=notice", Accept_Language="pt")
        assert answer.status == 200 and "1 mensagem apagada" in answer.text and "<html" not in answer.text
        assert 'action="/restore"' in answer.text


def test_a_notice_that_nobody_made_is_not_shown() -> None:
    with world() as here:
        here.add(mail())
        for query in ("notice=deleted&number=5", "notice=script.broken", "undo=guessed", "notice=%3Cb%3E"):
            assert 'class="notice"' not in here.ask(f"/?{query}").text


def test_deletions_are_forgotten() -> None:
    moments = [datetime(2026, 11, 28, tzinfo=UTC)]
    deletions = Deletions(lambda: moments[0])
    names = [deletions.keep(None, [str(number)]) for number in range(MOST_KEPT + 1)]
    assert not deletions.find(None, names[0]) and deletions.find(None, names[-1]) == [str(MOST_KEPT)]
    assert not deletions.find("ana", names[-1]) and len(set(names)) == len(names)
    moments[0] += timedelta(seconds=DELAY + SLACK)
    assert not deletions.find(None, names[-1])
