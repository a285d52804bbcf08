"""Staff's pages for credits, coupons and promotions."""

from billing.grants.admin import credit, offer

__all__ = ["credit", "offer"]
