"""All peers.

Knows nothing about how they are run.
"""

from .catchers import CATCHERS
from .daemons import DAEMONS, with_carteiro
from .libraries import LIBRARIES
from .local import LOCAL
from .running import Peer

PEERS = (
    Peer("carteiro", lambda: "this tree", "--dialect esmtp, without TLS and AUTH", with_carteiro),
    *LIBRARIES,
    *DAEMONS,
    *CATCHERS,
    *LOCAL,
)
