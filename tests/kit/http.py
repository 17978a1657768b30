"""A small HTTP/1.0 conversation: it shows what a Conversation must have, and what it may leave out."""

LONGEST = 1000


class Page:
    """Answers one request with its own path, and closes."""

    patience = 10.0

    def __init__(self) -> None:
        self.outgoing = bytearray()
        self.is_finished = False
        self.farewell = ""
        self._request = b""

    def receive(self, data: bytes) -> None:
        self._request += data
        if b"\r\n\r\n" in self._request or len(self._request) > LONGEST:
            method, path, _ = (self._request.partition(b"\r\n")[0] + b"  ").split(b" ", 2)
            self._answer(b"200 OK" if method == b"GET" else b"400 Bad Request", path)

    def end_of_input(self) -> None:
        self._answer(b"400 Bad Request")

    def time_out(self) -> None:
        self._answer(b"408 Request Timeout")

    def shut_down(self, at_once: bool) -> None:
        self._answer(b"503 Service Unavailable")

    def break_down(self) -> None:
        self._answer(b"500 Internal Server Error")

    def _answer(self, status: bytes, body: bytes = b"") -> None:
        if not self.is_finished:
            self.outgoing += b"HTTP/1.0 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
            self.is_finished = True
            self.farewell = status.decode()
