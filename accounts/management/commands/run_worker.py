"""Run background jobs until stopped; any number of workers may run, on any number of hosts."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from accounts.jobs import LANES
from accounts.services.jobs import HEARTBEATS_MISSED


class Command(BaseCommand):
    help = (
        "Runs background jobs, and starts what the timetable says, until SIGTERM or Ctrl-C; jobs "
        "under way are finished first. Exits with 1 where it lost the database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--drain", action="store_true", help="end as soon as no job waits to be run"
        )

    def handle(self, **options: Any) -> None:
        with app.replace_connector(DjangoConnector().get_worker_connector()):
            error = asyncio.run(_drain() if options["drain"] else _run_lanes())
        if error:
            raise CommandError(f"The worker could not go on: {error}", returncode=1)


async def _run_lanes() -> str:
    """Run all lanes until the process is told to stop; return what ended one before."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with app.open_async():
        lanes = [asyncio.create_task(_run_lane(name)) for name in LANES]
        stop = asyncio.create_task(told.wait())
        await asyncio.wait([stop, *lanes], return_when=asyncio.FIRST_COMPLETED)
        for lane in lanes:
            lane.cancel()
        ends = await asyncio.gather(*lanes, return_exceptions=True)
    if told.is_set():
        return ""
    errors = [repr(end) for end in ends if isinstance(end, Exception)]
    # A lane that lost what it listens to has said so in the log, and ended.
    return errors[0] if errors else "a lane has ended"


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
