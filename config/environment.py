"""The variables of the environment, and those of the file that `ENV_FILE` names."""

import os
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent


def read_environment() -> environ.Env:
    """What the variables say now; those of the environment win over the file's.

    Nothing of the file goes into the process's own environment: processes that are started
    later would inherit it, and it would win over what the file says by then.
    """
    # No class statement: types allow ENVIRON nothing but the process's environment.
    snapshot: type[environ.Env] = type("Snapshot", (environ.Env,), {"ENVIRON": dict(os.environ)})
    snapshot.read_env(os.environ.get("ENV_FILE") or str(BASE_DIR / ".env"))
    return snapshot()
