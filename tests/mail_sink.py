"""A mail server for programs that are started beside the tests: it keeps what it is sent."""

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes


class Sink(socketserver.ThreadingTCPServer):
    """Takes every message. While `gate` is closed, it lets `held_at` messages in and no more.

    With `counts_readers`, so many to each address.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.identities: list[str] = []
        self.held_at: int | None = None
        self.counts_readers = False
        #: How many senders wait.
        self.held = 0
        self.is_holding = threading.Event()
        self.gate = threading.Event()
        self._turn = threading.Lock()
        self._begun: Counter[bytes] = Counter()

    @property
    def url(self) -> str:
        """The address for `EMAIL_URL`."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def begin(self, reader: bytes) -> None:
        """Let one more message in, or hold its sender."""
        with self._turn:
            counted = reader if self.counts_readers else b""
            self._begun[counted] += 1
            is_held = self.held_at is not None and self._begun[counted] > self.held_at
            self.held += is_held
        if is_held:
            self.is_holding.set()
            self.gate.wait(60)
            with self._turn:
                self.held -= 1

    def pause(self) -> None:
        """Let no further message in until `go_on`."""
        with self._turn:
            self.gate.clear()
            self.held_at = sum(self._begun.values())

    def go_on(self) -> None:
        """Let everything in again."""
        with self._turn:
            self.held_at = None
            self.gate.set()

    def keep(self, data: bytes) -> None:
        """Note which message has come."""
        with self._turn:
            self.identities.append(str(message_from_bytes(data)["Message-ID"]))


class _Conversation(socketserver.StreamRequestHandler):
    server: Sink
    # Answers are short, and none waits for the next.
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            self._answer(b"220 sink")
            while line := self.rfile.readline():
                self._obey(line.split(b" ")[0].strip().upper(), line)
        except OSError:
            # The sender is gone.
            return

    def _obey(self, word: bytes, line: bytes) -> None:
        if word == b"RCPT":
            self.server.begin(line)
        if word == b"DATA":
            self._answer(b"354 go on")
            self.server.keep(b"".join(iter(self.rfile.readline, b".\r\n")))
        self._answer(b"221 bye" if word == b"QUIT" else b"250 ok")

    def _answer(self, text: bytes) -> None:
        self.wfile.write(text + b"\r\n")


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """A mail server of the test's own."""
    with Sink() as sink:
        thread = threading.Thread(target=sink.serve_forever, daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            sink.gate.set()
            sink.shutdown()
            thread.join()
