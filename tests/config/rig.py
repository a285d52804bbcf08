"""Two hosts as production has them: nginx, web processes, workers, and PgBouncer before PostgreSQL.

A "host" is a group of processes with ports of their own.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, connections
from procrastinate.contrib.django.models import ProcrastinateWorker

from accounts.jobs import LANES
from config.embedded_postgres import PORT, ROLE
from config.embedded_postgres import Server as Cluster
from tests.clusters import dump_into, own_cluster, pooled
from tests.config.proxy import Proxy, proxying
from tests.config.servers import Server, serving
from tests.mail_sink import Sink

NAMES = ("one", "two")
#: What a host's file of settings says, beyond what every test's server has.
SETTINGS = {
    "ALLOWED_HOSTS": "console.example.com",
    "CONSOLE_URL": "https://console.example.com",
    "DATABASE_TRANSACTION_POOLING": "1",
    "WEB_CONCURRENCY": "1",
    "LOG_LEVEL": "WARNING",
    # The dead are found within seconds.
    "WORKER_HEARTBEAT_SECONDS": "3",
    "WORKER_POLL_SECONDS": "1",
    "JOB_RESCUE_CRON": "*/3 * * * * *",
}


def wait_for(what: Callable[[], object], seconds: float = 60, *, pause: float = 0.05) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(pause)


@contextmanager
def on_cluster(cluster: Cluster) -> Iterator[None]:
    """Let Django's own connections go to the cluster's database meanwhile."""
    usual = dict(connection.settings_dict)
    place = {"NAME": ROLE, "USER": ROLE, "PASSWORD": "", "HOST": str(cluster.socket_folder)}
    connections.close_all()
    connection.settings_dict.update(place, PORT=str(PORT))
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(usual)


class Worker:
    """The worker of one host, which may be killed and started again."""

    def __init__(self, server: Server) -> None:
        self.file = server.file
        self.log = server.file.with_name("worker.log")
        self.ids: set[int] = set()

    def start(self) -> None:
        """Start it as systemd does, and learn by which numbers it is known."""
        before = set(ProcrastinateWorker.objects.values_list("pk", flat=True))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run_worker"],
                cwd=settings.BASE_DIR,
                env={"PATH": os.environ["PATH"], "ENV_FILE": str(self.file)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: len(self._others(before)) == len(LANES))
        self.ids = self._others(before)

    def _others(self, before: set[int]) -> set[int]:
        assert self.process.poll() is None, self.log.read_text()
        return set(ProcrastinateWorker.objects.values_list("pk", flat=True)) - before

    def kill(self) -> None:
        """Kill the whole group."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it, politely at first."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class Rig:
    """All that runs."""

    hosts: list[Server]
    workers: list[Worker]
    proxy: Proxy


@contextmanager
def running(folder: Path, sink: Sink) -> Iterator[Rig]:
    """Start everything on an empty database, to which Django's own connections go meanwhile."""
    with ExitStack() as stack:
        cluster = stack.enter_context(own_cluster(folder))
        dump_into(cluster, str(folder / "dump"))
        stack.enter_context(on_cluster(cluster))
        url = stack.enter_context(pooled(cluster, folder))
        hosts = [stack.enter_context(serving(_host(folder / name, url, sink))) for name in NAMES]
        # nginx's own user gets in there, no matter who else runs tests.
        open_folder = cluster.folder / "nginx"
        open_folder.mkdir()
        proxy = stack.enter_context(proxying(open_folder, hosts, "/auth/login/"))
        workers = []
        for host in hosts:
            worker = Worker(host)
            worker.start()
            stack.callback(worker.stop)
            workers.append(worker)
        yield Rig(hosts, workers, proxy)


def _host(folder: Path, url: str, sink: Sink) -> Server:
    folder.mkdir()
    server = Server(folder, url)
    # Sessions that the tests begin are signed with their own key.
    server.variables |= SETTINGS | {"SECRET_KEY": settings.SECRET_KEY, "EMAIL_URL": sink.url}
    server.headers["Host"] = "console.example.com"
    return server
