"""How gunicorn serves the console: in the demo and in production.

`GUNICORN_BIND` (or `PORT`) says where to listen, `WEB_CONCURRENCY` how many processes there
are, `WEB_THREADS` how many requests each serves at a time. With `WITH_WORKER`, as in the demo,
background jobs run in a process beside them.
"""

import atexit
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from config import environment, logs

if __name__ == "__config__":
    # gunicorn runs this file again on a reload: what it uses must be as new as the file is.
    importlib.reload(environment)
    importlib.reload(logs)

env = environment.read_environment()
IS_LOCAL = env.bool("LOCAL", default=False)

port = env.str("PORT", default="8000")
bind = env.str("GUNICORN_BIND", default="") or f"127.0.0.1:{port}"
worker_class = "gthread"
workers = env.int("WEB_CONCURRENCY", default=2)
threads = env.int("WEB_THREADS", default=8)
# Each process loads the program itself, so that a reload brings all of it, and all settings.
# The demo's master loads it instead: it holds the embedded database.
preload_app = IS_LOCAL
timeout = 60
graceful_timeout = 30
# A process ends now and then on its own, so that none can grow for ever; not all together.
max_requests = 10_000
max_requests_jitter = 1_000
# Its socket would lie in the user's home.
control_socket_disable = True
logconfig_dict = logs.configuration(
    style=env.str("LOG_FORMAT", default="text" if IS_LOCAL else "json"),
    level=env.str("LOG_LEVEL", default="INFO"),
)


def _metrics_folder() -> str:
    """The folder in which this master's workers count; kept by a reload, not shared with others."""
    own = f"console-metrics-{os.getpid()}-"
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if Path(given).name.startswith(own):
        return given
    made = tempfile.mkdtemp(prefix=own)
    # Also where the master ends before it serves, as it does where its port is taken.
    atexit.register(_remove_metrics, made, os.getpid())
    return made


def _remove_metrics(folder: str, master: int) -> None:
    """Remove the folder with its master; workers inherit the call, and leave it alone."""
    if os.getpid() == master:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__config__":
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = _metrics_folder()


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest number that no living one has.

    Its files of metrics are named by it, so that a worker continues counting where an earlier one
    ended, and there are never more files than there were workers at a time.
    """
    taken = {getattr(other, "number", None) for other in server.WORKERS.values()}
    worker.number = next(number for number in count() if number not in taken)
    os.environ["WORKER_NUMBER"] = str(worker.number)


def post_fork(server: Any, worker: Any) -> None:
    """Forget what the master has loaded of the console: a worker loads it as it is now."""
    if not preload_app:
        for name in [name for name in sys.modules if name.partition(".")[0] == "config"]:
            del sys.modules[name]


#: The process that runs background jobs beside this one.
_job_workers: list[subprocess.Popen[bytes]] = []


def when_ready(server: Any) -> None:
    """Tell a person where to look, once there is something to see."""
    if env.bool("WITH_WORKER", default=False):
        # Not before: a server that cannot take its port would leave it behind.
        run = [sys.executable, "manage.py", "run_worker"]
        # It counts no requests.
        own = {key: value for key, value in os.environ.items() if "PROMETHEUS" not in key}
        _job_workers.append(subprocess.Popen(run, env=own))  # noqa: S603 - this very program
    if IS_LOCAL:
        # Closing the terminal ends it too; elsewhere gunicorn takes this for "read settings again".
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
    """Leave nothing running: no worker, nor the embedded database without a user."""
    for process in _job_workers:
        process.terminate()
        try:
            process.wait(graceful_timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    embedded = sys.modules.get("config.embedded_postgres")
    if embedded:
        embedded.leave()
