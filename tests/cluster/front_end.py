"""Starts `bin/smtpd` for a scenario: with a shorter patience, or with a mistake planted, if the first arguments say so.

    python -m tests.cluster.front_end [PATIENCE] [MISTAKE] [flags of smtpd]

PATIENCE is a number of seconds, or `-`; MISTAKE a name in mistakes.py, or `-`.
"""

import sys

from service.smtpd import main
from storage.stores.postgres import store

from .mistakes import MISTAKES

if __name__ == "__main__":
    patience, mistake = sys.argv[1:3]
    del sys.argv[1:3]
    sys.argv[0] = "smtpd"
    if patience != "-":
        assert store.PATIENCE_SECONDS == 60
        store.PATIENCE_SECONDS = float(patience)
    if mistake != "-":
        MISTAKES[mistake]()
    sys.exit(main())
