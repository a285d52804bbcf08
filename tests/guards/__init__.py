"""The guards of money, time, licenses, tenants and rights, each with the tests that notice it.

`python -m tests.guards` takes them away one at a time and runs these tests.
"""

from tests.guards import database, money, service

GUARDS = (*money.GUARDS, *service.GUARDS, *database.GUARDS)
