"""Staff's pages for balances and the ledger: read only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import LeanAdmin, ReadOnlyInline
from billing.wallet.models import Fund, LedgerEntry, LedgerTransaction


@admin.register(Fund)
class FundAdmin(LeanAdmin):
    list_display = ("account", "kind", "balance", "currency")
    list_select_related = ("account",)
    search_fields = ("=account__uin",)


class LedgerEntryInline(ReadOnlyInline):
    model = LedgerEntry
    fields = ("book", "fund", "amount", "currency")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("fund__account")


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(LeanAdmin):
    list_display = ("id", "at", "kind", "account", "occasion", "by")
    list_select_related = ("account", "order", "refund", "by")
    search_fields = ("=account__uin", "=order__number", "=refund__number")
    inlines = (LedgerEntryInline,)

    @admin.display(description=_("moved for"))
    def occasion(self, obj: LedgerTransaction) -> str:
        """Name the refund, the order, or what staff noted: what the money moved for."""
        return str(obj.refund or obj.order or obj.note)
