"""Prices, packages, orders, money and refunds."""

from billing.models.catalog import (
    Feature,
    FeatureTable,
    PriceBook,
    PriceBookWithdrawal,
    PriceItem,
)
from billing.models.offers import Coupon, Promotion
from billing.models.orders import Order, OrderLine, Payment
from billing.models.packages import (
    CURRENT_STATES,
    RUNNING_STATES,
    ExpiryReminder,
    Licence,
    Package,
    SweepRun,
    TrialGrant,
)
from billing.models.refunds import CLAIMING_STATES, Refund, RefundHold, RefundLine
from billing.models.wallets import Credit, Fund, LedgerEntry, LedgerTransaction

__all__ = [
    "CLAIMING_STATES",
    "CURRENT_STATES",
    "RUNNING_STATES",
    "Coupon",
    "Credit",
    "ExpiryReminder",
    "Feature",
    "FeatureTable",
    "Fund",
    "LedgerEntry",
    "LedgerTransaction",
    "Licence",
    "Order",
    "OrderLine",
    "Package",
    "Payment",
    "PriceBook",
    "PriceBookWithdrawal",
    "PriceItem",
    "Promotion",
    "Refund",
    "RefundHold",
    "RefundLine",
    "SweepRun",
    "TrialGrant",
]
