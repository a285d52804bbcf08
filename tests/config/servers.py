"""The console as production serves it: gunicorn with settings of its own, under load."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings

from tests.places import free_port

#: What a proxy in front says: the client came over HTTPS.
HEADERS = {"X-Forwarded-Proto": "https", "Host": "console.example"}


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str


class Server:
    """A master with its workers, reading a file of variables."""

    def __init__(self, folder: Path, database_url: str, *, root: Path | None = None) -> None:
        self.root = root or Path(settings.BASE_DIR)
        self.port = free_port()
        self.file = folder / "console.env"
        self.log = folder / "gunicorn.log"
        self.variables = {
            "SECRET_KEY": "a-text-of-some-length-that-signs-nothing-anywhere",
            "DATABASE_URL": database_url,
            "ALLOWED_HOSTS": "console.example",
            "TRUST_PROXY": "1",
            "STATIC_ROOT": str(folder / "static"),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "WEB_THREADS": "4",
        }
        # A copy of the console has no tests.
        self.settings = "config.settings" if root else "tests.config.production"
        self.headers = dict(HEADERS)
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, **variables: str) -> None:
        """Write the file of variables."""
        self.variables |= variables
        lines = [f"{name}={value}\n" for name, value in self.variables.items()]
        self.file.write_text("".join(lines))

    def start(self) -> None:
        # Nothing of this machine but the path: what counts is in the file.
        run = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                run,
                cwd=self.root,
                env={
                    "PATH": os.environ["PATH"],
                    "ENV_FILE": str(self.file),
                    "DJANGO_SETTINGS_MODULE": self.settings,
                },
                stdout=log,
                stderr=log,
            )

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)

    def ask(self, path: str, data: dict[str, str] | None = None) -> "Answer":
        """One request on a connection of its own: a form where there is `data`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = dict(self.headers)
        body = None
        if data is not None:
            body = urlencode(data)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request("GET" if data is None else "POST", path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read().decode())
        finally:
            connection.close()

    def wait(self, path: str = "/healthz", seconds: float = 40) -> None:
        """Wait until a path is answered with 200."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.ask(path).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"no 200 for {path}\n{self.log.read_text()}")


@contextmanager
def serving(server: Server, **variables: str) -> Iterator[Server]:
    """Serve for a while; with the variables given in addition."""
    server.write(**variables)
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


class Load:
    """Requests from several clients together, for as long as the block lasts."""

    def __init__(self, server: Server, paths: list[str], *, clients: int = 4) -> None:
        self.server = server
        self.paths = paths
        self.answers: Counter[int | str] = Counter()
        self.without_retry = 0
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        while not self.stopped.is_set():
            for path in self.paths:
                try:
                    answer = self.server.ask(path)
                except (OSError, http.client.HTTPException) as error:
                    self.answers[repr(error)] += 1
                else:
                    self.answers[answer.status] += 1
                    if answer.status == 503 and "Retry-After" not in answer.headers:
                        self.without_retry += 1
            time.sleep(0.01)

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()
