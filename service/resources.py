"""The resources of a serving process, which all its conversations may use.

Knows nothing about what the conversations say.
"""

import argparse
from typing import NamedTuple

from reactor.loop import Reactor
from reactor.offload import Offload
from storage.contract import Store

from .sources import Sources


class Resources(NamedTuple):
    """The options, the files' contents, and this process's own store, loop, and thread for password checks (`checks`)."""

    options: argparse.Namespace
    sources: Sources
    store: Store
    reactor: Reactor
    checks: Offload
