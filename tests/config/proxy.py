"""The shipped nginx file, as the machine's own nginx serves it."""

import http.client
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from django.conf import settings

from tests.places import free_port
from tests.programs import find_program

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


class Host(Protocol):
    """A web process behind the proxy."""

    port: int


class Proxy:
    """nginx with the file, in a folder and on ports of its own."""

    def __init__(self, folder: Path, hosts: Sequence[Host]) -> None:
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
        self.file = folder / "console.conf"
        self.file.write_text(text)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        self.program = [find_program("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)]

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.program, "-t"], capture_output=True, text=True, check=False)

    def leave_out(self, host: Host | None) -> None:
        """Send no more requests to this host, but again to all others."""
        text = self.file.read_text().replace(" down;", ";")
        if host:
            line = f"server 127.0.0.1:{host.port} max_fails=0"
            assert f"{line};" in text
            text = text.replace(f"{line};", f"{line} down;")
        self.file.write_text(text)
        subprocess.run([*self.program, "-s", "reload"], check=True, capture_output=True)
        # The workers that read the file before finish what they have begun.
        time.sleep(1)

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


@contextmanager
def proxying(folder: Path, hosts: Sequence[Host], path: str = "/") -> Iterator[Proxy]:
    """Let nginx stand before the hosts for a while, with a certificate made for it.

    `path` is what the hosts answer with 200 once they are reached.
    """
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
    try:
        until = time.monotonic() + 10
        while proxy.ask(path) != 200:
            assert time.monotonic() < until, proxy.check().stderr
            time.sleep(0.05)
        yield proxy
    finally:
        process.terminate()
        process.wait(10)
