"""What the server and the page both know: what the page is told when it is started, and the packages that it needs.

Knows nothing about either, so that the page's process loads nothing of the server for it.
"""

import importlib.util
import logging
from collections.abc import Collection
from typing import NamedTuple

DEFAULT = ("127.0.0.1", 8025)

NEEDED = ("h11", "jinja2", "nh3")
"""The packages that the page needs, by the names of their modules."""

NEEDED_FOR_METRICS = ("h11", "prometheus_client")
"""Those that figures need. A page without them has no /metrics, and says so there."""


class Settings(NamedTuple):
    """What the server tells the page. All can be sent as JSON."""

    directory: str
    kind: str
    """`mbox`, `maildir` or `postgres`."""
    descriptors: tuple[int, ...]
    """Of the sockets that it listens on."""
    where: tuple[str, ...] = ()
    """More about mailboxes of this kind, see `kinds`."""
    level: int = logging.INFO
    root: str = ""
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    auth_file: str = ""
    smtp: tuple[str, int] = ("", 0)
    """Where the server takes mail, for what is sent over the API."""
    figures: tuple[int, ...] = ()
    """Descriptors: of the sockets on which figures are told to anybody."""
    any_host: bool = False
    """Whether figures are told whatever name the server is asked for by."""
    is_fussy: bool = False
    """Whether clients of SMTP are examined."""
    metering: tuple[int, int] = (-1, -1)
    """Descriptors: where snapshots arrive, and of the file for what was added up."""


def missing(needed: Collection[str] = NEEDED) -> list[str]:
    """The packages that are needed and not installed."""
    return [name for name in needed if importlib.util.find_spec(name) is None]


def what_to_install(needed: Collection[str] = NEEDED) -> str:
    """How to install what is missing, for people to read."""
    return f"pip install {' '.join(missing(needed))}"
