"""The console's addresses, and Django's own admin lists to measure against."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import path

from agents.models import Agent
from billing.models import LedgerTransaction, Order
from config.urls import urlpatterns as console

site = admin.AdminSite("bench")


class OfAccount(admin.ModelAdmin):
    """A list as Django makes it, of one account's rows."""

    list_per_page = 25

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(account_id=request.session["account"])


class AgentAdmin(OfAccount):
    """The same agents as the management page, with the same columns."""

    list_display = ("name", "staff_number", "email", "role", "extension", "licence", "is_enabled")
    list_select_related = ("licence",)
    search_fields = ("name", "staff_number", "email", "extension")
    list_filter = ("role", "is_enabled")


class OrderAdmin(OfAccount):
    """The same orders as the list of orders, with the same columns and filters."""

    list_display = ("number", "created_at", "kind", "payer", "status", "total")
    list_filter = ("status", "kind")


class LongOrderAdmin(OrderAdmin):
    """As many orders at once as the purchase page has rows, which knows no paging."""

    #: 43 features, 12 services and 44 scenarios of the guidelines, 20 applications.
    list_per_page = 43 + 12 + 44 + 20


class LedgerTransactionAdmin(OfAccount):
    """The same movements as the statement."""

    list_display = ("at", "kind", "order", "note")
    list_filter = ("kind",)


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
