"""How gunicorn serves the console: in the demo and in production.

`GUNICORN_BIND` (or `PORT`) says where to listen, `WEB_CONCURRENCY` how many processes there
are, `WEB_THREADS` how many requests each serves at a time.
"""

import os
import signal
import sys
from typing import Any

from config import logs

IS_LOCAL = os.environ.get("LOCAL") == "1"

port = os.environ.get("PORT") or "8000"
bind = os.environ.get("GUNICORN_BIND") or f"127.0.0.1:{port}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or "2")
threads = int(os.environ.get("WEB_THREADS") or "8")
# Loaded once and shared: quicker to start, and a wrong configuration ends the start.
preload_app = True
timeout = 60
graceful_timeout = 30
# A process ends now and then by itself, so that none can grow for ever; not all at once.
max_requests = 10_000
max_requests_jitter = 1_000
# Its socket would lie in the user's home.
control_socket_disable = True
logconfig_dict = logs.configuration(
    style=os.environ.get("LOG_FORMAT") or ("text" if IS_LOCAL else "json"),
    level=os.environ.get("LOG_LEVEL") or "INFO",
)


def when_ready(server: Any) -> None:
    """Tell a person where to look, once there is something to see."""
    if IS_LOCAL:
        # Closing the terminal ends it too; elsewhere gunicorn takes this for "read settings anew".
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        sys.stdout.write(f"\nThe console is at http://localhost:{port}/ (Ctrl-C ends it)\n\n")
        sys.stdout.flush()


def post_worker_init(worker: Any) -> None:
    """Leave Ctrl-C to the master, which then stops each worker once.

    A terminal sends it to the workers as well; one that is told twice to stop, the second time
    while it is stopping, can wait for itself until it is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def on_exit(server: Any) -> None:
    """Leave nothing running: the embedded database goes with its last user."""
    embedded = sys.modules.get("config.embedded_postgres")
    if embedded:
        embedded.leave()
