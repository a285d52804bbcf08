"""config/deploy/nginx.conf, as the machine's own nginx serves it: two hosts behind it."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from config import logs
from tests.config.proxy import Proxy, proxying
from tests.places import free_port

pytestmark = pytest.mark.slow


class Host:
    """A web process that counts what it receives, and can be stopped and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received: Counter[str] = Counter()
        self.connections: list[socket.socket] = []
        self.start()

    def start(self) -> None:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                host.connections.append(self.connection)

            def do_GET(self) -> None:
                host.received[f"{self.command} {self.path}"] += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/dies/":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.send_header("X-Seen", self.headers["X-Forwarded-For"])
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the library's name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[Host]]:
    hosts = [Host(), Host()]
    yield hosts
    for host in hosts:
        host.stop()


@pytest.fixture(scope="module")
def proxy(hosts: list[Host], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxying(tmp_path_factory.mktemp("nginx"), hosts) as proxy:
        yield proxy


def test_nginx_loads_the_file(proxy: Proxy) -> None:
    done = proxy.check()

    assert done.returncode == 0, done.stderr


def test_no_log_of_the_proxy_shows_a_key(proxy: Proxy, hosts: list[Host]) -> None:
    paths = [f"{path}SECRETKEY/" for path in logs.SECRET_PATHS]
    odd = ["//invitations//SECRETKEY", "/%69nvitations/SECRETKEY/", "/Invitations/%0aSECRETKEY"]
    for path in [*paths, *odd, "/auth/login/?next=/invitations/SECRETKEY/"]:
        proxy.ask(path)
        proxy.ask(path, "POST")
        proxy.ask("/static/nothing.css", Referer=f"https://console.example.com{path}")
    # Also where no host answers.
    for host in hosts:
        host.stop()
    refused = [proxy.ask(path, Referer=f"https://console.example.com{path}") for path in paths]
    for host in hosts:
        host.start()

    written = "".join(file.read_text() for file in proxy.folder.glob("*.log"))
    assert refused == [502, 502, 502]
    for path in logs.SECRET_PATHS:
        assert f'"GET {path}***" 502' in written
    assert '"GET /auth/login/" 200' in written
    assert "SECRETKEY" not in written


def test_a_post_that_a_host_has_received_is_not_sent_a_second_time(
    proxy: Proxy, hosts: list[Host]
) -> None:
    assert proxy.ask("/dies/", "POST") == 502

    assert sum(host.received["POST /dies/"] for host in hosts) == 1


def test_hosts_are_restarted_one_after_the_other_and_no_request_fails(
    proxy: Proxy, hosts: list[Host]
) -> None:
    answers: Counter[int | str] = Counter()
    for host in hosts:
        host.stop()
        answers.update(proxy.ask("/during/", method) for method in ("GET", "POST") * 10)
        # As soon as the first is back, the second goes.
        host.start()

    assert answers == {200: 40}
