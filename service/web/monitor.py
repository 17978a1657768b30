"""The process that tells figures and health where no mail is shown: --metrics without --web.

Its argument is JSON, the fields of `Settings`. It needs no package of the page's but h11.
"""

from reactor.loop import Reactor
from web.api import watched
from web.application import Application
from web.gate import Gate, Terms

from ..page_settings import Settings
from .beginning import begin
from .monitoring import Monitoring
from .serving import Place, serve


def main() -> int:
    """Tells figures until standard input ends; returns the exit code."""
    settings = begin("monitor")
    reactor = Reactor()
    monitoring = Monitoring(reactor, settings)
    serve(reactor, [place_of_figures(reactor, settings, monitoring)], monitoring.answered)
    monitoring.close()
    reactor.close()
    return 0


def place_of_figures(reactor: Reactor, settings: Settings, monitoring: Monitoring) -> Place:
    """The sockets of --metrics, and what answers there: nobody is asked for a name."""
    hosts = ("*",) if settings.any_host else settings.hosts
    gate = Gate(Terms(hosts), lambda: reactor.now)
    return Place(settings.figures, Application(watched.routes(monitoring.watch, reactor.call_later), gate))
