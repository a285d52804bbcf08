"""Staff's pages for prices, packages, orders, money and refunds."""

from billing.admin import catalog, money, offers, orders, packages, refunds

__all__ = ["catalog", "money", "offers", "orders", "packages", "refunds"]
