"""Ask the web process of this container whether it lives: exit status 0 if it does.

python -m config.healthcheck
"""

import sys
from http.client import HTTPConnection

from config.environment import read_environment


def check_health() -> int:
    """Ask `/healthz` where gunicorn listens, by a name that is served; return the exit status."""
    env = read_environment()
    bind = env.str("GUNICORN_BIND", default="") or f":{env.str('PORT', default='8000')}"
    hosts = env.list("ALLOWED_HOSTS", default=["localhost"])
    connection = HTTPConnection("127.0.0.1", int(bind.rpartition(":")[2]), timeout=4)
    try:
        connection.request("GET", "/healthz", headers={"Host": hosts[0].lstrip("*.")})
        status = connection.getresponse().status
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{status}\n")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(check_health())
