"""What can be measured of a good page, in a real browser: contrast and names, widths, shifts, long lists."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from ...kit.browser import WATCH, Work, goes_sideways, serious, work
from ...kit.support import ROOT, wait_until
from .light import LightInbox
from .test_tour import focused, visit
from .world import MAILS, World, html_mail, mail, world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LONG = "wonder" * 60


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    """Mail of all kinds."""
    with world() as made:
        for path in sorted(MAILS.glob("*.eml")):
            made.add(path.read_bytes(), "ana", "rui")
        others = ", ".join(f"{number}{LONG}@x" for number in range(30))
        made.add(mail(LONG, LONG, f'"{LONG}" <{LONG}@example.org>', f"Cc: {others}\r\n"), LONG)
        made.add(html_mail(f"<table width=900><tr><td>{LONG}</td></tr></table><img src='//x.example/1.png'>", "Wide"), "rui")
        ids = [copy.id for copy in made.inbox.copies[:3]]
        made.call(lambda: made.inbox.tag(None, ids, ["urgent", LONG], lambda _: None))
        yield made


def views(here: World) -> list[str]:
    """Addresses of all kinds of views."""
    ids = {path.name[:2]: copy.id for path, copy in zip(sorted(MAILS.glob("*.eml")), here.inbox.copies, strict=False)}
    long, wide = (copy.id for copy in here.inbox.copies[-2:])
    tabs = ("text", "html", "headers", "source", "parts", "envelope", "notes")
    lists = ["/", "/mailbox/ana/", "/search?query=is:read+x", "/search?query=before:soon"]
    messages = [f"/view/{ids['19']}?tab={tab}" for tab in tabs]
    others = [f"/view/{id}" for id in (ids["30"], ids["26"], long, wide, "0" * 22)]
    return [*lists, *messages, *others, f"/view/{ids['21']}?tab=notes", f"/view/{long}?tab=headers"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "pt"])
def test_axe_finds_nothing_serious(browser: "Browser", here: World, scheme: str, language: str) -> None:
    found = {}
    with visit(browser, here, color_scheme=scheme, locale=language) as page:
        for view in views(here):
            page.goto(here.address + view)
            assert page.locator("html").get_attribute("lang") == language
            found[view] = serious(page)
        page.goto(here.address + "/")
        page.locator(".row .opener").nth(2).click()
        page.locator("#subject").wait_for()
        found["beside the list"] = serious(page)
        page.keyboard.press("?")
        found["help"] = serious(page)
    assert not {view: faults for view, faults in found.items() if faults}


@pytest.mark.parametrize("width", [320, 600, 800, 1152, 2000])
def test_no_page_goes_sideways(browser: "Browser", here: World, width: int) -> None:
    for has_script in (True, False):
        size = {"width": width, "height": 640}
        with visit(browser, here, viewport=size, java_script_enabled=has_script, locale="pt") as page:
            for view in views(here):
                page.goto(here.address + view)
                if has_script:
                    assert not goes_sideways(page), view
            if has_script:
                page.goto(here.address + "/")
                page.locator(".row .opener").nth(1).click()
                page.locator("#subject").wait_for()
                assert not goes_sideways(page)


def test_nothing_shifts_while_pages_load(browser: "Browser", here: World) -> None:
    shifts = {}
    for width in (320, 1200):
        with visit(browser, here, viewport={"width": width, "height": 800}) as page:
            page.add_init_script(WATCH)
            for view in views(here):
                page.goto(here.address + view)
                page.wait_for_timeout(300)
                shifts[width, view] = page.evaluate("seen.moved")
    assert not {view: shift for view, shift in shifts.items() if shift}


def scroll_far(page: "Page") -> None:
    """With the wheel, and in leaps, as with the scroll bar."""
    page.mouse.move(700, 500)
    for _ in range(40):
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(16)
    for part in (0.3, 0.9, 0.05, 0.999):
        page.locator(".scroller").evaluate("(one, part) => { one.scrollTop = one.scrollHeight * part; }", part)
        page.wait_for_timeout(60)
        for _ in range(10):
            page.mouse.wheel(0, -700)
            page.wait_for_timeout(16)


def is_light(done: Work) -> bool:
    """Eight rows a frame, each of some 25 elements and 35 boxes, are far from a task of 50 ms, on any machine."""
    return done.layouts < 2 * done.frames and done.styled < 300 and done.laid_out < 400 and done.boxes < 2_500


@pytest.mark.parametrize(
    ("ours", "worse"),
    [
        ("MOST_DRAWN = 8;", "MOST_DRAWN = 1_000;"),
        ("AROUND = 12;", "AROUND = 500;"),
        ("rows.insertBefore(row, next);", "rows.insertBefore(row, next), rows.clientHeight;"),
        ("  rove();\n}", "  rows.style.setProperty('--x', performance.now());\n  rove();\n}"),
    ],
)
def test_a_list_that_does_too_much_at_once_is_found_out(browser: "Browser", ours: str, worse: str) -> None:
    script = (ROOT / "web" / "pages" / "static" / "list.js").read_text()
    assert ours in script
    with world(inbox=LightInbox(100_000)) as here, visit(browser, here) as page:
        page.route(
            "**/list.js", lambda route: route.fulfill(body=script.replace(ours, worse), content_type="text/javascript")
        )
        page.goto(here.address + "/")
        page.wait_for_timeout(300)
        with work(browser, page) as found:
            page.locator(".scroller").evaluate("one => { one.scrollTop = 50_000 * 44; }")
            page.get_by_text("Subject number 50000", exact=True).wait_for()
            page.wait_for_timeout(300)
        assert not is_light(found[0]), found


def test_a_hundred_thousand_rows_roll(browser: "Browser") -> None:
    inbox = LightInbox(100_000)
    with world(inbox=inbox) as here, visit(browser, here) as page:
        page.add_init_script(WATCH)
        page.reload()
        page.wait_for_timeout(300)
        with work(browser, page) as found:
            scroll_far(page)
        (done,) = found
        assert is_light(done) and done.frames > 20 and done.boxes > 500, done
        page.locator(".scroller").evaluate("one => { one.scrollTop = 50_000 * 44; }")
        page.get_by_text("Subject number 50000", exact=True).wait_for()
        assert page.locator(".row").count() < 80, "only what is seen is in the document"
        page.keyboard.press("j")
        page.keyboard.press("End")
        wait_until(lambda: "Subject number 99999" in focused(page))
        assert page.evaluate("seen.shift") == 0
    assert max(limit for _, limit in inbox.asked) <= 200 and len(inbox.asked) < 400


def test_a_million_rows_come_in_parts(browser: "Browser") -> None:
    with world(inbox=LightInbox(1_000_000)) as here, visit(browser, here) as page:
        assert page.locator(".pages a").count() == 1, "there is nothing newer"
        page.locator(".pages [rel=next]").click()
        page.get_by_text("Subject number 200000", exact=True).wait_for()
        page.keyboard.press("j")
        page.keyboard.press("End")
        wait_until(lambda: "Subject number 399999" in focused(page))
        page.goto(f"{here.address}/?start=999990")
        page.get_by_text("Subject number 999999", exact=True).wait_for()
        page.locator(".scroller").evaluate("one => { one.scrollTop = 0; }")
        page.get_by_text("Subject number 800000", exact=True).wait_for()
        assert page.locator(".pages a").count() == 1, "there is nothing older"
        page.locator(".pages [rel=prev]").click()
        page.get_by_text("Subject number 600000", exact=True).wait_for()
        name = page.locator("#mailboxes .name").last
        assert name.evaluate("one => one.scrollWidth <= one.clientWidth"), "large numbers leave room for a name"


def test_the_first_load_asks_six_times(browser: "Browser", here: World) -> None:
    asked: list[str] = []
    opened = browser.new_context()
    page = opened.new_page()
    page.on("request", lambda request: asked.append(request.url.removeprefix(here.address)))
    page.goto(here.address)
    page.get_by_text("Live", exact=True).wait_for()
    page.wait_for_timeout(300)
    shown = [address for address in asked if not address.startswith("data:")]
    assert len(shown) <= 6 and shown[0] == "/", shown
    opened.close()
