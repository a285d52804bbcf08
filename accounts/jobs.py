"""Background jobs: their queues, and deferring them in the transaction that causes the work.

    defer(SEND_NEWS, {"ids": [17, 18]}, {"ids": [19]})

A job is a row of procrastinate's: it is there once the transaction commits, and never where that
is undone. It carries keys only. A task is a function in an app's `tasks.py`, a door like a command;
services name it by its path, since doors import services. It may run twice, after its worker was
killed for example, so it looks at what is still to be done.
"""

from typing import Any

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

#: The tasks that send rows of the outbox as soon as they are written.
SEND_MAIL, SEND_NEWS = "accounts.tasks.send_mail", "accounts.tasks.send_news"

#: Mail that a person may be waiting for.
MAIL = "mail"
#: Looking after the jobs themselves.
UPKEEP = "upkeep"
#: What a person began in the console, who is told when it ends.
ASKED = "asked"
#: What the timetable starts, which may take minutes.
TIMETABLE = "timetable"

#: Each worker has threads of their own for each of these lanes, so that the jobs of one never wait
#: for those of another, however long they take.
LANES = {"quick": [MAIL, UPKEEP], "long": [ASKED, TIMETABLE]}

#: Within a lane, a higher one goes first.
FIRST, LAST = 100, -100

#: A job that failed is tried again after 4 seconds, 16, 64, 256 and 1,024, and then given up.
RETRY = RetryStrategy(max_attempts=5, exponential_wait=4)

#: Writes jobs on Django's own connection, in its transaction. The one of procrastinate's app does
#: so too, but not in a worker, where it has connections of its own.
JOBS = JobManager(DjangoConnector())


def defer(task_name: str, *arguments: dict[str, Any]) -> None:
    """Defer one job of a task for each of `arguments`, all in one statement."""
    if not arguments:
        return
    task = app.tasks[task_name]
    job = configure_task(
        name=task.name, job_manager=JOBS, queue=task.queue, priority=task.priority, lock=task.lock
    )
    job.batch_defer(*arguments)
