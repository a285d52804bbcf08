"""Orders, read with their lines and payments."""

from django.contrib import admin

from accounts.admin.base import LeanAdmin, ReadOnlyInline
from billing.orders.models import Order, OrderLine
from billing.wallet.models import Payment


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    fields = ("application", "item", "edition", "quantity", "unit_price", "amount", "net")


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ("kind", "account", "amount", "currency", "at")


@admin.register(Order)
class OrderAdmin(LeanAdmin):
    list_display = (
        "number",
        "account",
        "payer",
        "kind",
        "status",
        "total",
        "currency",
        "created_at",
    )
    list_select_related = ("account", "payer")
    list_filter = ("status", "kind")
    search_fields = ("=number", "=account__uin", "=payer__uin")
    inlines = (OrderLineInline, PaymentInline)
