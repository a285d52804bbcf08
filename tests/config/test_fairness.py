"""While one tenant's row is locked, the others' requests are answered, and few wait for it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from accounts.enums import Role
from config.embedded_postgres import Server as Cluster
from tests.bench import fairness
from tests.bench.fairness import CROWD, OTHERS, Tenant
from tests.cleaning import restore_rows_of_migrations
from tests.clusters import direct_url, dump_into, own_cluster

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

PROCESSES = 2
SECONDS = 4


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server of the tests' own."""
    with own_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def tenants(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Tenant]:
    """Tenants in the server's database, and no longer in the tests' own."""
    with django_db_blocker.unblock():
        tenants = fairness.make_tenants(1 + OTHERS)
        dump_into(cluster, str(tmp_path_factory.mktemp("dump") / "dump"))
        restore_rows_of_migrations()
    fairness.set_role(direct_url(cluster))
    return tenants


@pytest.mark.parametrize("way", ["direct", "PgBouncer"])
def test_others_are_answered_while_one_tenants_row_is_locked(
    cluster: Cluster, tenants: list[Tenant], tmp_path: Path, way: str
) -> None:
    url = direct_url(cluster)
    blocked, *others = tenants
    with fairness.console(cluster, tmp_path, way) as server:
        fairness.warm_up(server, tenants)
        with (
            fairness.row_locked(url, blocked),
            fairness.Watch(url) as watch,
            fairness.crowd_waiting(server, blocked) as crowd,
            fairness.others_working(server, others) as load,
        ):
            time.sleep(SECONDS)
            page = fairness.read(server, blocked)
        after = fairness.write(server, blocked, Role.FINANCE)

    # Each was answered, by 503 alone; the tenant can read meanwhile, and write afterwards.
    assert set(crowd.statuses) == {503}
    assert crowd.statuses[503] >= CROWD
    assert (page.status, after.status) == (200, 302)
    assert 0 < watch.most <= 2 * PROCESSES
    assert set(load.statuses) == {200, 302}
    # All of them together would hold every thread for 10 seconds otherwise.
    assert load.percentile(1) < 3000
