"""The flags of the page, and which of them may be combined.

Knows nothing about what they do.
"""

import argparse
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .page_settings import DEFAULT, NEEDED_FOR_METRICS, missing, what_to_install

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,255}|\*")
_ROOT = re.compile(r"(/[A-Za-z0-9._~-]{1,100}){0,10}/?")


def add_page(group: "argparse._ArgumentGroup", address: Callable[[str], Any]) -> None:
    """Adds the flags to a group. `address` parses HOST:PORT."""
    host, port = DEFAULT
    where = (
        f"show the mail in a browser, and over an API (default: {host}:{port}); beyond this machine only with "
        "--web-auth-file or --web-public"
    )
    group.add_argument("--web", metavar="HOST:PORT", type=address, nargs="?", const=DEFAULT, help=where)
    rows: tuple[tuple[str, str, Callable[[str], Any], Any, str], ...] = (
        ("--web-root", "PATH", _root, "", "what the page's addresses begin with, as /mail behind a proxy"),
        (
            "--web-auth-file",
            "FILE",
            Path,
            None,
            "who may see mail: one name:hash per line; each sees the mailbox of that name",
        ),
        ("--web-admin", "NAME", str, [], "who sees all mailboxes; repeatable"),
        ("--web-host", "NAME", _host, [], "a name by which the page may be asked for, besides localhost; repeatable"),
        ("--web-origin", "URL", _origin, [], "a site whose pages may use the API, as https://ci.example; repeatable"),
    )
    for flag, shown, kind, default, meaning in rows:
        action = "append" if default == [] else "store"
        group.add_argument(flag, metavar=shown, type=kind, action=action, default=default, help=meaning)
    group.add_argument("--no-web", action="store_true", help="with --dev: no page")
    group.add_argument("--web-public", action="store_true", help="let anybody see the mail who can reach the page")
    where = (
        "tell figures there, on /metrics for Prometheus, and on /livez and /readyz how the server is; nobody is asked for a "
        "name; beyond this machine only with --metrics-public"
    )
    group.add_argument("--metrics", metavar="HOST:PORT", type=address, help=where)
    group.add_argument("--metrics-public", action="store_true", help="tell figures to anybody who can reach that address")


def page_flaw(options: argparse.Namespace) -> str:
    """Why these options cannot be combined; "" if they can."""
    names = ("web_root", "web_auth_file", "web_admin", "web_host", "web_origin", "web_public")
    used = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]
    open_to_all = options.web and not is_loopback(options.web[0])
    told_to_all = options.metrics and not is_loopback(options.metrics[0])
    rules = (
        (options.web and options.no_web, "--web and --no-web: give one of them"),
        (options.no_web and not options.dev, "--no-web: only with --dev"),
        (used and not options.web, f"{' '.join(used)}: only with --web"),
        (options.web and options.store == "discard", "--web: there is nothing to show with --store discard"),
        (options.web and missing(), f"--web: {', '.join(missing())} not installed: {what_to_install()}"),
        (options.web_auth_file and options.web_public, "--web-auth-file and --web-public: give one of them"),
        (options.web_admin and not options.web_auth_file, "--web-admin: give --web-auth-file, too"),
        (
            open_to_all and not options.web_auth_file and not options.web_public,
            f"--web {options.web and options.web[0]}: others than this machine would see the mail: "
            "give --web-auth-file, or --web-public",
        ),
        (options.metrics_public and not options.metrics, "--metrics-public: only with --metrics"),
        (
            options.metrics and missing(NEEDED_FOR_METRICS),
            f"--metrics: {', '.join(missing(NEEDED_FOR_METRICS))} not installed: {what_to_install(NEEDED_FOR_METRICS)}",
        ),
        (
            told_to_all and not options.metrics_public,
            f"--metrics {options.metrics and options.metrics[0]}: others than this machine would see the figures: "
            "give --metrics-public",
        ),
    )
    return next((words for is_broken, words in rules if is_broken), "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, and can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked(pattern: re.Pattern[str], example: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r}: write it as {example}")
        return text

    return parse


def _root(text: str) -> str:
    return _checked(_ROOT, "/mail")(text).rstrip("/")


def _host(text: str) -> str:
    return _checked(_HOST, "mail.example.org, without a port")(text).lower()


def _origin(text: str) -> str:
    return _checked(_ORIGIN, "https://ci.example.org")(text).lower()
