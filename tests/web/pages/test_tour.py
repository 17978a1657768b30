"""A newcomer's way through the page in a real browser: by mouse, by keyboard alone, and without script."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from web.contract import Away

from ...kit.support import wait_until
from .world import MAILS, World, html_mail, mail, world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@contextmanager
def visit(browser: "Browser", here: World, path: str = "/", **context: Any) -> Iterator["Page"]:
    """A page of a new visitor. It must have thrown nothing."""
    opened = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **context})
    page = opened.new_page()
    page.set_default_timeout(10_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(here.address + path)
    yield page
    opened.close()
    assert not errors


@pytest.fixture
def here() -> Iterator[World]:
    """Some mail."""
    with world() as made:
        for number in range(70):
            made.add(mail(f"Mail {number:02}", f"Text {number:02}"), "ana" if number % 2 else "rui")
        made.add((MAILS / "19-calendar-invite.eml").read_bytes(), "ana")
        yield made


def subjects(page: "Page", most: int = 3) -> list[str]:
    """Those of the first rows."""
    return page.locator(".row .subject").all_inner_texts()[:most]


def focused(page: "Page") -> str:
    """The text of what has the focus."""
    element = "document.activeElement"
    return str(page.evaluate(f"{element} === document.body ? '' : {element}.innerText || {element}.id"))


def test_by_mouse(browser: "Browser", here: World) -> None:
    with visit(browser, here) as page:
        page.get_by_role("link", name="Mail 69").click()
        page.get_by_role("heading", name="Mail 69").wait_for()
        assert page.url.startswith(f"{here.address}/view/") and focused(page) == "Mail 69"
        assert "Mail 69" in page.locator(".row.is-open").inner_text()
        page.locator(".row:not(.is-unread)").wait_for()
        page.get_by_role("link", name="Headers").click()
        page.get_by_role("cell", name="Mail 69").wait_for()
        assert page.url.endswith("?tab=headers") and focused(page) == "Headers"
        page.go_back()
        page.locator(".plain", has_text="Text 69").wait_for()
        page.go_back()
        page.locator("#message").wait_for(state="detached")
        assert page.url == f"{here.address}/"
        page.go_forward()
        page.get_by_role("heading", name="Mail 69").wait_for()
        page.get_by_role("link", name="Back to the list").click()
        page.locator(".row", has_text="Mail 68").get_by_role("checkbox").check()
        page.locator(".row", has_text="Mail 66").get_by_role("checkbox").click(modifiers=["Shift"])
        page.get_by_text("3 selected").wait_for()
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_text("3 messages deleted").wait_for()
        page.locator(".row", has_text="Mail 68").wait_for(state="detached")
        assert subjects(page) == ["Invitation: lecture", "Mail 69", "Mail 65"]
        page.get_by_role("button", name="Undo").click()
        page.locator(".row", has_text="Mail 68").wait_for()
        page.get_by_role("link", name="ana").first.click()
        page.get_by_role("heading", name="ana").wait_for()
        assert page.url.endswith("/mailbox/ana/") and subjects(page, 2) == ["Invitation: lecture", "Mail 69"]
        page.get_by_label("Search mail").fill("subject:lecture")
        page.get_by_role("button", name="Search").click()
        page.get_by_text("1 message found").wait_for()
        page.get_by_role("link", name="Invitation").click()
        page.get_by_text("Aula de redes — SMTP").wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name="invite.ics").click()
        assert download.value.suggested_filename == "invite.ics"


def test_by_keyboard_alone(browser: "Browser", here: World) -> None:
    with visit(browser, here) as page:
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to the mail"
        page.keyboard.press("Enter")
        page.keyboard.press("j")
        wait_until(lambda: "Invitation" in focused(page))
        page.keyboard.press("ArrowDown")
        page.keyboard.press("j")
        page.keyboard.press("k")
        assert "Mail 69" in focused(page)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Mail 69").wait_for()
        assert focused(page) == "Mail 69"
        page.keyboard.press("j")
        page.get_by_role("heading", name="Mail 68").wait_for()
        page.keyboard.press("u")
        page.locator("#message").wait_for(state="detached")
        wait_until(lambda: "Mail 68" in focused(page))
        page.keyboard.press("x")
        page.keyboard.press("j")
        page.keyboard.press("x")
        page.get_by_text("2 selected").wait_for()
        page.keyboard.press("Delete")
        page.get_by_text("2 messages deleted").wait_for()
        page.locator(".row", has_text="Mail 67").wait_for(state="detached")
        wait_until(lambda: "Mail" in focused(page))
        page.keyboard.press("End")
        wait_until(lambda: "Mail 00" in focused(page))
        page.keyboard.press("r")
        page.get_by_text("1 message marked as read").wait_for()
        page.keyboard.press("Home")
        wait_until(lambda: "Invitation" in focused(page))


def test_help_and_search_by_keyboard(browser: "Browser", here: World) -> None:
    with visit(browser, here) as page:
        page.keyboard.press("?")
        page.get_by_role("heading", name="Keys").wait_for()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("from:")
        page.keyboard.press("Enter")
        page.get_by_text("This search cannot be understood").wait_for()
        page.keyboard.press("/")
        page.keyboard.type("subject:lecture")
        page.keyboard.press("Enter")
        page.get_by_text("1 message found").wait_for()


def test_letters_can_be_turned_off(browser: "Browser", here: World) -> None:
    with visit(browser, here) as page:
        page.keyboard.press("?")
        page.get_by_label("Keys with one letter").uncheck()
        page.keyboard.press("Escape")
        page.reload()
        page.keyboard.press("?")
        page.keyboard.press("ArrowDown")
        wait_until(lambda: "Invitation" in focused(page))
        assert not page.locator("#help").is_visible()


def test_without_script(browser: "Browser", here: World) -> None:
    with visit(browser, here, java_script_enabled=False) as page:
        page.get_by_role("link", name="Older").click()
        page.get_by_text("51 to 71 of 71").wait_for()
        page.get_by_role("link", name="Mail 00").click()
        page.get_by_role("heading", name="Mail 00").wait_for()
        page.get_by_role("link", name="SMTP").click()
        page.get_by_text("MAIL FROM").wait_for()
        page.get_by_role("button", name="Mark unread").click()
        page.get_by_text("1 message marked as unread").wait_for()
        page.locator(".row", has_text="Mail 69").get_by_role("checkbox").check()
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_text("1 message deleted").wait_for()
        assert page.get_by_text("Mail 69").count() == 0
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("1 message is back").wait_for()
        assert page.get_by_text("Mail 69").count() == 1
        page.get_by_label("Search mail").fill('"mail 01"')
        page.get_by_role("button", name="Search").click()
        page.get_by_role("button", name="Delete all found").click()
        page.get_by_text("1 message deleted").wait_for()
        page.get_by_role("button", name="Help").click()
        page.get_by_role("heading", name="How to search").wait_for()
        assert len(here.inbox.deleted) == 1


def test_new_mail_is_shown_and_said(browser: "Browser", here: World) -> None:
    with visit(browser, here) as page:
        page.get_by_text("Live", exact=True).wait_for()
        here.add(mail("Fresh from the post"), "rui")
        page.locator(".row", has_text="Fresh from the post").wait_for()
        assert subjects(page, 1) == ["Fresh from the post"] and page.title().startswith("(72)")
        assert page.locator("#news").inner_text() == "New message: Fresh from the post, from Ana Prado"
        assert page.get_by_text("72 messages").count() == 1
        page.locator(".scroller").evaluate("scroller => scroller.scrollTop = 30 * 44")
        before = page.locator(".row", has_text="Mail 35").bounding_box()
        for number in range(3):
            here.add(mail(f"More {number}"), "rui")
        page.get_by_text("75 messages").wait_for()
        assert page.locator(".row", has_text="Mail 35").bounding_box() == before, "nothing moves under who reads"


def test_opened_mail_is_unread_until_it_is_read(browser: "Browser", here: World) -> None:
    with visit(browser, here, "/mailbox/ana/") as page:
        assert page.locator(".row.is-unread").count() > 10 and page.get_by_text("36 unread").first.is_visible()
        page.locator(".row", has_text="Mail 69").click()
        page.get_by_text("35 unread").first.wait_for()
        page.locator("#message").get_by_role("button", name="Mark unread").click()
        page.get_by_text("36 unread").first.wait_for()


@pytest.mark.parametrize("has_script", [True, False])
def test_a_message_comes_back_with_the_database(browser: "Browser", here: World, has_script: bool) -> None:
    with visit(browser, here, java_script_enabled=has_script) as page:
        here.call(lambda: setattr(here.inbox, "away", Away(is_database=True)))
        page.get_by_role("link", name="Mail 69").click()
        page.get_by_role("heading", name="The database is away").wait_for()
        here.call(lambda: setattr(here.inbox, "away", None))
        page.get_by_role("heading", name="Mail 69").wait_for()
        assert page.url.startswith(f"{here.address}/view/")


def test_a_list_comes_back_by_itself(browser: "Browser", here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with visit(browser, here) as page:
        page.get_by_text("Live", exact=True).wait_for()
        with monkeypatch.context() as broken, page.expect_response(lambda response: response.status == 503):
            broken.setattr(here.inbox, "page", lambda *values: values[-1](None))
            here.add(mail("Fresh from the post"), "rui")
        page.locator(".row", has_text="Fresh from the post").wait_for()
        assert page.locator(".row", has_text="Mail 69").count() == 1


def test_a_mail_in_html_is_seen(browser: "Browser", here: World) -> None:
    id = here.add(html_mail("<h1 style='color:green'>Green</h1><a href='https://x.example/'>go</a>"))
    with visit(browser, here, f"/view/{id}") as page:
        page.frame_locator("iframe").get_by_role("heading", name="Green").wait_for()
        page.get_by_role("link", name="Show as sent").click()
        page.frame_locator("iframe").get_by_role("heading", name="Green").wait_for()
        assert "sent=1" in page.url
