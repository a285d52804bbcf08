"""News about orders that people have to act on."""

from datetime import datetime

from django.urls import reverse

from accounts.access import Permission
from accounts.services.notifications import notify
from billing.orders.models import Order


def tell_payer(order: Order, *, now: datetime) -> None:
    """Tell another account's members who may spend that they are asked to pay.

    They learn the buyer's UIN here; the page names the account and the person who asked.
    """
    notify(
        account=order.payer,
        kind="payment_asked",
        params={
            "buyer": order.account.uin,
            "number": order.number,
            "total": order.total,
            "currency": order.currency,
            "expires_at": order.expires_at,
        },
        to=Permission.SPEND,
        path=reverse(
            "billing:payment_request", kwargs={"uin": order.payer.uin, "number": order.number}
        ),
        dedupe_key=f"payment_asked:{order.number}",
        now=now,
    )
