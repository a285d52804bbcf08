"""Staff's pages of billing, for Django to find."""

from billing.catalog import admin as catalog
from billing.grants import admin as grants
from billing.orders import admin as orders
from billing.packages import admin as packages
from billing.refunds import admin as refunds
from billing.wallet import admin as wallet

__all__ = ["catalog", "grants", "orders", "packages", "refunds", "wallet"]
