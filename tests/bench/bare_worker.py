"""What procrastinate's own worker runs to measure jobs on their own: a task that does nothing.

It finds its jobs where `DATABASE_URL` says.
"""

import os

from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


@app.task(name="nothing", queue="mail")
def nothing(ids: list[int]) -> None:
    """Do nothing."""
