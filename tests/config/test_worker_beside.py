"""The worker that gunicorn starts beside its processes, as `make demo` does."""

import socket
import time
from pathlib import Path

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateWorker

from accounts.jobs import LANES
from tests.accounts.test_worker import TIMES, wait_for
from tests.config.servers import Server
from tests.places import as_url

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    server = Server(tmp_path, as_url(str(connection.settings_dict["NAME"])))
    server.write(WITH_WORKER="1", WEB_CONCURRENCY="1", **TIMES)
    return server


def test_it_begins_and_ends_with_the_server(server: Server) -> None:
    server.start()
    server.wait()
    wait_for(lambda: ProcrastinateWorker.objects.count() == len(LANES))

    assert server.stop() == 0

    # It has said goodbye itself, before the server was gone.
    assert not ProcrastinateWorker.objects.exists()


def test_a_server_that_cannot_start_leaves_none_behind(server: Server) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        server.start()
        assert server.process is not None
        assert server.process.wait(40) != 0
    time.sleep(2)
    assert not ProcrastinateWorker.objects.exists()
