"""The console's addresses, and Django's own admin lists to measure against."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import path

from accounts.admin.generics import PlainAdmin
from agents.models import Agent
from billing.enums import FundKind
from billing.models import LedgerTransaction, Order
from config.urls import urlpatterns as console

site = admin.AdminSite("bench")


class OfAccount(PlainAdmin):
    """A list as Django makes it, of one account's rows."""

    list_per_page = 25

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(account_id=request.session["account"])


class AgentAdmin(OfAccount):
    """The same agents as the management page, with the same columns."""

    list_display = ("name", "staff_number", "email", "role", "extension", "license", "is_enabled")
    list_select_related = ("license",)
    search_fields = ("name", "staff_number", "email", "extension")
    list_filter = ("role", "is_enabled")


class OrderAdmin(OfAccount):
    """The same orders as the list of orders, with the same columns and filters."""

    list_display = ("number", "created_at", "kind", "applications", "payer", "status", "total")
    list_filter = ("status", "kind")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("lines__application")

    def applications(self, order: Order) -> str:
        return ", ".join({line.application.name for line in order.lines.all()})


class LongOrderAdmin(OrderAdmin):
    """As many orders as the purchase page has rows, which knows no paging."""

    #: 43 features, 12 services and 44 scenarios of the guidelines, 20 applications.
    list_per_page = 43 + 12 + 44 + 20


class LedgerTransactionAdmin(OfAccount):
    """The same movements as the statement, with the same columns and filters."""

    list_display = ("at", "kind", "number", *FundKind.values, "coupon")
    list_filter = ("kind", "at")
    list_select_related = ("order", "refund")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("entries__fund", "order__payments")

    def number(self, moved: LedgerTransaction) -> str:
        return str(moved.order or moved.refund or moved.note)

    def _moved(self, moved: LedgerTransaction, kind: str) -> Any:
        return sum(e.amount for e in moved.entries.all() if e.fund and e.fund.kind == kind)

    def cash(self, moved: LedgerTransaction) -> Any:
        return self._moved(moved, "cash")

    def income(self, moved: LedgerTransaction) -> Any:
        return self._moved(moved, "income")

    def gift(self, moved: LedgerTransaction) -> Any:
        return self._moved(moved, "gift")

    def coupon(self, moved: LedgerTransaction) -> Any:
        paid = moved.order.payments.all() if moved.order else ()
        return sum(payment.amount for payment in paid if payment.kind == "coupon")


site.register(Agent, AgentAdmin)
site.register(Order, OrderAdmin)
site.register(LedgerTransaction, LedgerTransactionAdmin)
long_site = admin.AdminSite("bench-long")
long_site.register(Order, LongOrderAdmin)
urlpatterns = [
    *console,
    path("bench-admin/", site.urls),
    path("bench-admin-long/", long_site.urls),
]
