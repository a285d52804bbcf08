"""People who use the console through nginx, each over one connection, as a browser does."""

import http.client
import random
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.test import Client

from accounts.models import User
from tests.config.proxy import Proxy

FORM_TOKEN = "a" * 32
HOST = "console.example.com"
#: How long people look at a page, in seconds.
PAUSE = (0.1, 0.4)
BOUNDARY = "a-file-of-agents"


class Visitor:
    """A person who has signed in."""

    def __init__(self, proxy: Proxy, user: User) -> None:
        self.proxy = proxy
        client = Client()
        client.force_login(user)
        self.headers = {
            "Host": HOST,
            "Cookie": f"__Host-session={client.session.session_key}; __Host-csrf={FORM_TOKEN}",
            "Referer": f"https://{HOST}/",
            "X-CSRFToken": FORM_TOKEN,
        }
        self.connection = self._connect()

    def _connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.proxy.folder / "fullchain.pem"))
        context.check_hostname = False
        return http.client.HTTPSConnection(
            "127.0.0.1", self.proxy.port, context=context, timeout=60
        )

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = ""
    ) -> tuple[int, str]:
        """Return the status, and where the answer leads."""
        headers = self.headers | ({"Content-Type": kind} if kind else {})
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Location", "")

    def click(self, path: str, form: dict[str, str] | None = None) -> int:
        """Follow a link, or send a form; return the status."""
        if form is None:
            return self.ask("GET", path)[0]
        kind = "application/x-www-form-urlencoded"
        return self.ask("POST", path, urlencode(form).encode(), kind)[0]

    def send_file(self, path: str, content: bytes, **fields: str) -> tuple[int, str]:
        """Send a form with a file."""
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        parts.append(
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
            'name="file"; filename="agents.csv"\r\nContent-Type: text/csv\r\n\r\n'
        )
        body = "".join(parts).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        return self.ask("POST", path, body, f"multipart/form-data; boundary={BOUNDARY}")


@dataclass
class Answers:
    """How long the answers took, and their statuses."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def percentile(self, percent: int) -> float:
        """Return what so many percent of the answers did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


class Clicks:
    """Visitors who look around and now and then change something, for as long as the block lasts.

    `rounds` are the pages of each, with the form that is sent there, if any.
    """

    def __init__(
        self, visitors: list[Visitor], rounds: list[list[tuple[str, dict[str, str] | None]]]
    ) -> None:
        self.answers = Answers()
        self.is_over = threading.Event()
        self.threads = [
            threading.Thread(target=self._look_around, args=pair)
            for pair in zip(visitors, rounds, strict=True)
        ]

    def _look_around(
        self, visitor: Visitor, pages: list[tuple[str, dict[str, str] | None]]
    ) -> None:
        dice = random.Random(str(pages))
        while not self.is_over.is_set():
            for path, form in pages:
                started = time.perf_counter()
                status = visitor.click(path, form)
                self.answers.seconds.append(time.perf_counter() - started)
                self.answers.statuses[status] += 1
                self.is_over.wait(dice.uniform(*PAUSE))

    def __enter__(self) -> Answers:
        for thread in self.threads:
            thread.start()
        return self.answers

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join()
