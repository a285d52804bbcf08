"""config/deploy/nginx.conf, as the machine's own nginx serves it: two hosts behind it."""

import http.client
import re
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings

from config import logs
from tests.places import free_port
from tests.programs import find_program

pytestmark = pytest.mark.slow
CONFIGURATION = Path(settings.BASE_DIR) / "config/deploy/nginx.conf"
MAIN = """
daemon off;
pid {folder}/pid;
error_log {folder}/main-error.log;
events {{ }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/console.conf;
}}
"""


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


class Proxy:
    """nginx with the file, in a folder and on ports of its own."""

    def __init__(self, folder: Path, hosts: list[Host]) -> None:
        self.folder = folder
        self.port = free_port()
        text = CONFIGURATION.read_text()
        upstream = "\n".join(f"server 127.0.0.1:{host.port} max_fails=0;" for host in hosts)
        [line] = re.findall(r"^ +server 127.0.0.1:8000 max_fails=0;$", text, re.MULTILINE)
        # Ports, paths and the certificate are this machine's; all else stays as it is.
        for old, new in {
            line: upstream,
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
            "    listen [::]:80;\n": "",
            "    listen [::]:443 ssl http2;\n": "",
            "/var/log/nginx": str(folder),
            "/etc/ssl/console": str(folder),
            "/srv/console": str(folder),
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "console.conf").write_text(text)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        self.program = [find_program("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)]

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.program, "-t"], capture_output=True, text=True, check=False)

    def ask(self, path: str, method: str = "GET", **headers: str) -> int | str:
        """The status of one request, over TLS."""
        context = ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        context.check_hostname = False
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=context, timeout=10
        )
        body = b"a=b" if method == "POST" else None
        try:
            connection.request(method, path, body, {"Host": "console.example.com", **headers})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        return answer.status


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[Host]]:
    hosts = [Host(), Host()]
    yield hosts
    for host in hosts:
        host.stop()


@pytest.fixture(scope="module")
def proxy(hosts: list[Host], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    # Its workers run as another user where the tests run as root.
    for parent in (folder, *folder.parents[:3]):
        with suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o011)
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "privkey.pem")]
    name = ["-subj", "/CN=console.example.com", "-out", str(folder / "fullchain.pem")]
    subprocess.run(
        [find_program("openssl"), "req", "-x509", *key, *name],
        check=True,
        capture_output=True,
    )
    proxy = Proxy(folder, hosts)
    process = subprocess.Popen(proxy.program, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while proxy.ask("/") != 200:
        assert time.monotonic() < until, proxy.check().stderr
        time.sleep(0.05)
    yield proxy
    process.terminate()
    process.wait(10)


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
