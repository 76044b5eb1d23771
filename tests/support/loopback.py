"""A server on a loopback port of its own that many browsers may ask at once."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MAX_CONNECTIONS = 64


class LoopbackServer(ThreadingHTTPServer):
    """Serves from its making until ``close``. A connection too many waits in the kernel's queue until another ends."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._free = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Serve one connection, when fewer than the most are being served."""
        with self._free:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle is no news."""

    def close(self) -> None:
        """End it."""
        self.shutdown()
        self.server_close()
        self._thread.join(timeout=5)
