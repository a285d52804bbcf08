"""Addresses of what is bought and paid."""

from django.urls import URLPattern, path

from billing.orders.views import activation, changes, confirm, purchase
from billing.packages.views import applications, renewal_mode
from billing.refunds import views as refunds
from billing.views import orders, payments, public
from billing.wallet import views as funds

app_name = "billing"

ACCOUNT = "console/<uin:uin>"
APPLICATION = f"{ACCOUNT}/applications/<sdkappid:sdkappid>"

urlpatterns: list[URLPattern] = [
    path("editions/", public.editions, name="editions"),
    path("prices/", public.prices, name="prices"),
    path("refunds/", public.refund_policy, name="refund_policy"),
    path(f"{ACCOUNT}/editions/", public.account_editions, name="account_editions"),
    path(f"{ACCOUNT}/applications/activate/", activation.activate, name="activate"),
    path(f"{APPLICATION}/", applications.application_page, name="application"),
    path(f"{ACCOUNT}/buy/", purchase.buy, name="buy"),
    path(f"{APPLICATION}/buy/", purchase.purchase, name="purchase"),
    path(f"{APPLICATION}/add/", changes.additional, name="add"),
    path(f"{APPLICATION}/renew/", changes.renew, name="renew"),
    path(f"{APPLICATION}/upgrade/", changes.upgrade, name="upgrade"),
    path(f"{APPLICATION}/renewal/", renewal_mode.renewal_mode, name="renewal_mode"),
    path(f"{ACCOUNT}/renew/", changes.renew_many, name="renew_many"),
    path(f"{ACCOUNT}/confirm/", confirm.confirm, name="confirm"),
    path(f"{ACCOUNT}/orders/", orders.orders, name="orders"),
    path(f"{ACCOUNT}/orders/<slug:number>/", orders.order, name="order"),
    path(f"{ACCOUNT}/refunds/", refunds.refunds, name="refunds"),
    path(f"{ACCOUNT}/refunds/<slug:number>/", refunds.refund_page, name="refund"),
    path(
        f"{ACCOUNT}/refunds/<slug:number>/withdraw/",
        refunds.refund_withdraw,
        name="refund_withdraw",
    ),
    path(f"{ACCOUNT}/orders/<slug:number>/receipt/", orders.receipt, name="receipt"),
    path(f"{ACCOUNT}/orders/<slug:number>/pay/", confirm.pay, name="pay"),
    path(f"{ACCOUNT}/orders/<slug:number>/cancel/", confirm.cancel, name="cancel"),
    path(f"{ACCOUNT}/funds/", funds.funds, name="funds"),
    path(f"{ACCOUNT}/funds/months/", funds.months, name="months"),
    path(f"{ACCOUNT}/funds/statement/", funds.statement, name="statement"),
    path(f"{ACCOUNT}/funds/statement.csv", funds.statement_csv, name="statement_csv"),
    path(f"{ACCOUNT}/funds/statement.xlsx", funds.statement_xlsx, name="statement_xlsx"),
    path(f"{ACCOUNT}/coupons/", funds.coupons, name="coupons"),
    path(f"{ACCOUNT}/payments/", payments.payment_requests, name="payment_requests"),
    path(f"{ACCOUNT}/payments/<slug:number>/", payments.payment_request, name="payment_request"),
    path(f"{ACCOUNT}/payments/<slug:number>/refuse/", payments.refuse, name="refuse"),
]
