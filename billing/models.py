"""Prices, packages, orders, money and refunds."""

from billing.catalog.models import Feature, FeatureTable, PriceBook, PriceBookWithdrawal, PriceItem
from billing.grants.models import Credit
from billing.offers.models import Coupon, Promotion
from billing.orders.models import Order, OrderLine
from billing.packages.models import (
    ExpiryReminder,
    License,
    Package,
    SweepRun,
    TrialGrant,
)
from billing.refunds.models import CLAIMING_STATES, Refund, RefundHold, RefundLine
from billing.wallet.models import Fund, LedgerEntry, LedgerTransaction, Payment

__all__ = [
    "CLAIMING_STATES",
    "Coupon",
    "Credit",
    "ExpiryReminder",
    "Feature",
    "FeatureTable",
    "Fund",
    "LedgerEntry",
    "LedgerTransaction",
    "License",
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
