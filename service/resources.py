"""The resources of a serving process, which all its conversations may use.

Knows nothing about what the conversations say.
"""

import argparse
from typing import TYPE_CHECKING, NamedTuple

from reactor.loop import Reactor
from reactor.offload import Offload
from storage.accounts.newcomers import Newcomers
from storage.contract import Store

from .counting import Counts
from .sources import Sources

if TYPE_CHECKING:
    from .fussy import Fussy


class Resources(NamedTuple):
    """The options, the files' contents, and this process's own store, loop, and thread for password checks (`checks`).

    With `newcomers`, each name may have a mailbox, not only those in the users file. With `counts`, what happens is counted;
    with `fussy`, clients are examined.
    """

    options: argparse.Namespace
    sources: Sources
    store: Store
    reactor: Reactor
    checks: Offload
    newcomers: Newcomers | None = None
    counts: Counts | None = None
    fussy: "Fussy | None" = None
