"""Run background jobs until stopped; any number of workers may run, on any number of hosts."""

import asyncio
import logging
import os
import signal
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params

from accounts.jobs import LANES
from accounts.services.jobs import HEARTBEATS_MISSED

logger = logging.getLogger(__name__)

#: In heartbeats: how often a worker asks the database whether it is there, how long it waits for
#: the answer, and how long for its jobs to end where none came. Together they are shorter than the
#: silence after which others run its jobs.
ASKING, ANSWERING, ENDING = 0.5, 1.3, 1.0


class Command(BaseCommand):
    help = (
        "Runs background jobs, and starts what the timetable says, until SIGTERM or Ctrl-C; jobs "
        "under way are finished first. Exits with 1 if it lost the database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drain", action="store_true", help="end as soon as no job is waiting")

    def handle(self, **options: Any) -> None:
        patience = settings.WORKER_HEARTBEAT_SECONDS * ANSWERING
        connector = PsycopgConnector(kwargs=connector_params(), timeout=patience)
        with app.replace_connector(connector):
            error = asyncio.run(_drain() if options["drain"] else _run_lanes())
        if error:
            raise CommandError(f"The worker could not continue: {error}", returncode=1)


async def _run_lanes() -> str:
    """Run all lanes until the process is told to stop; return what ended one before."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    # By default there are as few as six, whatever the lanes are promised. The rest are the loop's
    # own, which looks up the database's name in them.
    loop.set_default_executor(ThreadPoolExecutor(len(LANES) * settings.WORKER_THREADS + 4))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with app.open_async():
        lanes = [asyncio.create_task(_run_lane(name)) for name in LANES]
        stop = asyncio.create_task(told.wait())
        watch = asyncio.create_task(_watch_database())
        await asyncio.wait([stop, watch, *lanes], return_when=asyncio.FIRST_COMPLETED)
        for lane in lanes:
            lane.cancel()
        await _end(lanes, watch)
        ends = await asyncio.gather(*lanes, return_exceptions=True)
    if told.is_set() and not watch.done():
        return ""
    errors = [repr(end) for end in ends if isinstance(end, Exception)]
    # A lane that lost what it listens to has said so in the log, and ended.
    return errors[0] if errors else "a lane has ended"


async def _watch_database() -> None:
    """Return once the database has not answered for too long."""
    heartbeat = settings.WORKER_HEARTBEAT_SECONDS
    while True:
        await asyncio.sleep(heartbeat * ASKING)
        question = asyncio.create_task(app.connector.execute_query_async("SELECT 1"))
        # Not `asyncio.timeout`: canceling a query may take as long as the query.
        done, _unanswered = await asyncio.wait([question], timeout=heartbeat * ANSWERING)
        if not done or question.exception():
            logger.error("The worker ends, since the database does not answer")
            return


async def _end(lanes: list["asyncio.Task[None]"], watch: "asyncio.Task[None]") -> None:
    """Wait until the jobs under way have ended; not for long where the database is away.

    A thread that waits for the database cannot be interrupted, so the process leaves it behind.
    Others will run its jobs.
    """
    ending = asyncio.ensure_future(asyncio.wait(lanes))
    await asyncio.wait({ending, watch}, return_when=asyncio.FIRST_COMPLETED)
    # The watch has ended, or the lanes have, which then takes no time.
    seconds = settings.WORKER_HEARTBEAT_SECONDS * ENDING
    _done, going_on = await asyncio.wait(lanes, timeout=seconds)
    if going_on:
        logger.error("The worker leaves jobs behind that wait for the database")
        logging.shutdown()
        os._exit(1)


async def _drain() -> str:
    """Run what waits, and then the mail that this left; return nothing, as no error."""
    async with app.open_async():
        for name in ("long", "quick"):
            await _run_lane(name, is_endless=False)
    return ""


async def _run_lane(name: str, *, is_endless: bool = True) -> None:
    await app.run_worker_async(
        name=name,
        queues=LANES[name],
        concurrency=settings.WORKER_THREADS,
        delete_jobs="successful",
        wait=is_endless,
        listen_notify=is_endless and settings.WORKER_LISTENS,
        fetch_job_polling_interval=settings.WORKER_POLL_SECONDS,
        update_heartbeat_interval=settings.WORKER_HEARTBEAT_SECONDS,
        stalled_worker_timeout=settings.WORKER_HEARTBEAT_SECONDS * HEARTBEATS_MISSED,
        # An endless worker has its own, for all of its lanes.
        install_signal_handlers=not is_endless,
    )
