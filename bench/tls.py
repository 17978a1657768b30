"""Measures sessions over TLS, ours and aiosmtpd's: a handshake, one message, and QUIT.

The client is smtplib in threads, which uses more CPU time than the server, so only the server's CPU time counts here.
"""

import smtplib
import ssl
import threading
import time

from bench import measuring, peers, rivals
from bench.certificate import make_pem
from bench.load import FORWARD_PATH, HOST, KIB, REVERSE_PATH, LoadError, body
from bench.measuring import HEADING, Measured, Results, Setting, Stopwatch, table
from bench.outcome import Outcome
from bench.peers import Running

CLIENTS = 8
PATIENCE = 30.0
NAME = f"{CLIENTS} clients, 1 KiB, one a connection, STARTTLS"
NOTE = (
    "a reply is a whole session here, from connecting to the reply to QUIT; a handshake is a full one, with an EC key; "
    "smtplib in threads is the client, and the limit"
)


def tls(setting: Setting) -> Outcome:
    """Makes a table. There is no goal."""
    pem = make_pem(setting.directory)
    secure = "--dialect", "esmtp", "--tls-cert", str(pem.cert), "--tls-key", str(pem.key)
    servers = [peers.ours("carteiro", "discard", *secure)]
    servers += [peers.aiosmtpd(False, *pem)] if rivals.has_aiosmtpd() else []
    results: Results = {}
    for number in range(setting.rounds):
        for server in measuring.in_turns(setting, NAME, servers, number):
            with measuring.running(setting, server) as listening:
                results.setdefault((NAME, server.name), []).append(_measure(setting, listening))
    return Outcome([], HEADING, table(results), [NOTE, f"TLS: {ssl.OPENSSL_VERSION}"])


def _measure(setting: Setting, server: Running) -> Measured:
    _sessions(server.port, min(measuring.WARM_UP, setting.seconds))
    watch = Stopwatch(server)
    watch.begin()
    began, used = time.monotonic(), time.process_time()
    times = sorted(_sessions(server.port, setting.seconds))
    seconds, used = time.monotonic() - began, time.process_time() - used
    watch.end(0)
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    return Measured(len(times) / seconds, watch.used / len(times), used / seconds, p50, p99)


def _sessions(port: int, seconds: float) -> list[float]:
    """Runs sessions; returns the seconds that each took."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only the server is measured
    times: list[float] = []
    faults: list[Exception] = []
    until = time.monotonic() + seconds
    text = f"Subject: load\r\n\r\n{body(KIB).decode()}"

    def client() -> None:
        try:
            while time.monotonic() < until:
                began = time.monotonic()
                with smtplib.SMTP(HOST, port, local_hostname="client.example", timeout=PATIENCE) as smtp:
                    smtp.starttls(context=context)
                    smtp.sendmail(REVERSE_PATH, [FORWARD_PATH], text)
                times.append(time.monotonic() - began)
        except (OSError, smtplib.SMTPException) as error:
            faults.append(error)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults or not times:
        raise LoadError(f"a session over TLS failed: {faults[0] if faults else 'there was none'}")
    return times
