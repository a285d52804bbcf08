"""Faults and traces leave the host only where a setting says so, and without a secret."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module

import pytest
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

pytestmark = pytest.mark.slow

#: A process of its own fails in a view whose address, query and form hold secrets.
FAIL = """
from contextlib import nullcontext
import django
django.setup()
from accounts import row_security
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from accounts.views import invitations

def fail(*args, **kwargs):
    kept = "SECRETVARIABLE"
    raise RuntimeError("a fault of /invitations/SECRETTOKEN/")

invitations.find_invitation = fail
# No database is there that could begin a transaction.
row_security.acting_for = lambda *_, **__: nullcontext()
application = WSGIHandler()

def ask(path, **headers):
    statuses = []
    environ = RequestFactory().get(path, headers=headers).environ
    list(application(environ, lambda status, headers: statuses.append(status)))
    return statuses[0]

secret = {"Cookie": "x=SECRETCOOKIE", "X-Request-ID": "the-request"}
status = ask("/invitations/SECRETTOKEN/?next=SECRETQUERY", **secret)
assert status == "500 Internal Server Error", status
assert ask("/healthz") == "200 OK"
import sys
loaded = [name for name in ("sentry_sdk", "opentelemetry") if name in sys.modules]
if "sentry_sdk" in loaded:
    sys.modules["sentry_sdk"].flush(10)
if "opentelemetry" in loaded:
    from opentelemetry import trace
    trace.get_tracer_provider().force_flush()
print(loaded)
"""


#: What unpacks a body, by its encoding.
_PACKED = {"gzip": "gzip", "br": "brotli"}


class Sink(ThreadingHTTPServer):
    """An endpoint of this machine that keeps what is sent to it."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        super().__init__(("127.0.0.1", 0), Receiver)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        encoding = self.headers.get("Content-Encoding", "")
        body = import_module(_PACKED[encoding]).decompress(body) if encoding else body
        assert isinstance(self.server, Sink)
        self.server.bodies.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    server = Sink()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {
        "PATH": "/usr/bin:/bin",
        "ENV_FILE": "/dev/null",
        "DJANGO_SETTINGS_MODULE": "tests.config.production",
        "SECRET_KEY": "a-text-of-some-length-that-signs-nothing-anywhere",
        # No one answers there, and nothing asks.
        "DATABASE_URL": "postgres://user:word@127.0.0.1:9/console",
        "ALLOWED_HOSTS": "testserver",
        "HTTPS": "0",
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env=known | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_setting_nothing_is_loaded() -> None:
    done = run(FAIL)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_a_fault_is_sent_without_secrets(sink: Sink) -> None:
    done = run(FAIL, SENTRY_DSN=f"http://key@127.0.0.1:{sink.server_port}/7")

    assert done.stdout.strip() == "['sentry_sdk']", done.stderr
    assert {path for path, _body in sink.bodies} == {"/api/7/envelope/"}
    text = "\n".join(body.decode() for _path, body in sink.bodies)
    assert "a fault of /invitations/***" in text
    assert "SECRET" not in text
    events = [json.loads(line) for line in text.split("\n") if '"exception"' in line]
    (event,) = events
    assert event["request"] == {"method": "GET", "url": "http://testserver/invitations/***"}
    assert event["tags"]["request_id"] == "the-request"


def test_a_request_is_traced_without_secrets(sink: Sink) -> None:
    url = f"http://127.0.0.1:{sink.server_port}/v1/traces"
    done = run(FAIL, TRACES_URL=url, TRACES_SHARE="1")

    assert done.stdout.strip() == "['opentelemetry']", done.stderr
    assert {path for path, _body in sink.bodies} == {"/v1/traces"}
    assert [body for _path, body in sink.bodies if b"SECRET" in body] == []
    spans = [
        span
        for _path, body in sink.bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    # The probe is not among them.
    (span,) = spans
    values = {part.key: part.value.string_value for part in span.attributes}
    assert span.name == "GET invitations/<str:token>/"
    assert values["console.request_id"] == "the-request"
    assert values["http.url"] == "http://testserver/invitations/***?***"


def test_nothing_is_traced_of_the_other_requests(sink: Sink) -> None:
    run(FAIL, TRACES_URL=f"http://127.0.0.1:{sink.server_port}/v1/traces", TRACES_SHARE="0")

    assert sink.bodies == []


@pytest.mark.parametrize(
    ("name", "module"), [("SENTRY_DSN", "sentry_sdk"), ("TRACES_URL", "opentelemetry")]
)
def test_a_missing_library_is_said_in_one_sentence(name: str, module: str) -> None:
    hide = f"import sys; sys.modules[{module!r}] = None\nimport django; django.setup()"

    done = run(hide, **{name: "http://key@127.0.0.1:9/7"})

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "django.core.exceptions.ImproperlyConfigured: SENTRY_DSN and TRACES_URL need"
        " requirements/extras.txt installed: "
    )
