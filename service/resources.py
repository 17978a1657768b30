"""What a process that serves has, and every conversation in it may use.

It does not know what is spoken.
"""

import argparse
from typing import NamedTuple

from reactor.loop import Reactor
from reactor.offload import Offload
from storage.contract import Store

from .sources import Sources


class Resources(NamedTuple):
    """The options, what was read from files, and this process's own loop, store and thread for checking passwords."""

    options: argparse.Namespace
    sources: Sources
    store: Store
    reactor: Reactor
    checks: Offload
