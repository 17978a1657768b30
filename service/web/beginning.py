"""How a process beside the server begins that serves HTTP. Knows nothing about what it serves, and loads nothing for it."""

import json
import logging
import os
import signal
import sys

from reactor.logs import log_as, log_to

from ..page_settings import Settings

NICENESS = 10
"""Of this process and of those that it starts: where the mail path wants all cores, a tenth of one is left for it."""

TURN = 0.0005
"""Seconds after which a thread lets the loop go on, which answers others."""


def begin(name: str) -> Settings:
    """Reads the command line, and makes of this process one that takes nothing from the mail path."""
    settings = Settings(**json.loads(sys.argv[1]))
    log_to(2, settings.level)
    log_as(name)
    if settings.level > logging.DEBUG:  # who comes and goes is of no interest here
        logging.getLogger("carteiro.reactor").setLevel(logging.WARNING)
    os.nice(NICENESS)
    sys.setswitchinterval(TURN)
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return settings
