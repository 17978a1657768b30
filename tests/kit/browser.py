"""A real browser, where there is one: Debian's Chromium, driven by Playwright."""

import json
import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ProxySettings

WATCH = """
window.seen = {shift: 0, moved: []};
const add = entry => {
  if (entry.hadRecentInput) return;
  seen.shift += entry.value;
  for (const {node, previousRect: from, currentRect: to} of entry.sources)
    seen.moved.push(`${node?.nodeName}.${node?.className} ${JSON.stringify([from, to])}`);
};
new PerformanceObserver(list => list.getEntries().forEach(add)).observe({type: "layout-shift", buffered: true});
"""
"""A script that adds up layout shifts that no input has caused, and says what has moved."""


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser. Skips the test if there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if not program:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


class Work(NamedTuple):
    """What a page's main thread had to do, in numbers that say nothing of how busy the machine is."""

    frames: int
    """Those for which a script has drawn something."""
    layouts: int
    """How often it was worked out where things are."""
    styled: int
    """Elements whose style was worked out at once, the most."""
    laid_out: int
    """Boxes whose place was, the most."""
    boxes: int
    """Boxes that there were, the most."""


@contextmanager
def work(browser: "Browser", page: "Page") -> Iterator[list[Work]]:
    """Finds out what there is to do meanwhile: the list has it in the end."""
    found: list[Work] = []
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    yield found
    events: list[dict[str, Any]] = json.loads(browser.stop_tracing())["traceEvents"]

    def of(name: str) -> list[dict[str, Any]]:
        return [event["args"] for event in events if event["name"] == name]

    laid_out = [args["beginData"] for args in of("Layout") if "beginData" in args]
    found.append(
        Work(
            len(of("FireAnimationFrame")),
            len(laid_out),
            max(args.get("elementCount", 0) for args in of("UpdateLayoutTree")),
            max(data["dirtyObjects"] for data in laid_out),
            max(data["totalObjects"] for data in laid_out),
        )
    )


class Outside:
    """All the rest of the network: a proxy that answers nobody, and remembers what it was asked for.

    What Chromium asks its maker is left out.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def settings(self) -> "ProxySettings":
        """For a context of a browser; this machine it asks without a proxy."""
        return {"server": f"http://127.0.0.1:{self._listener.getsockname()[1]}", "bypass": "127.0.0.1"}

    def close(self) -> None:
        """Nobody is listened to any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, suppress(OSError):
                    client.settimeout(5)
                    line = client.recv(4096).partition(b"\r\n")[0].decode("latin-1")
                    self.asked += [] if ".googleapis.com" in line else [line]


@cache
def axe() -> str:
    """The source of axe-core. Skips the test if it is not installed where `tests/check` does that, nor where AXE says."""
    installed = Path(sys.prefix) / "clients" / "node_modules" / "axe-core" / "axe.min.js"
    places = [Path(os.environ["AXE"])] if "AXE" in os.environ else [installed]
    for place in places:
        if place.is_file():
            return place.read_text()
    pytest.skip("axe-core is not installed: tests/check does it")


def serious(page: "Page") -> list[str]:
    """What axe-core finds serious or critical in a page, its frames left out: their content is others'."""
    page.evaluate(axe())
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations'], iframes: false})")
    return [
        f"{fault['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def goes_sideways(page: "Page") -> bool:
    """Whether a page can be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
