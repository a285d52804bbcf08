"""Guards of buying, paying, crediting and refunding."""

from tests.guards.guard import Edit, Guard, in_code

RACES = "billing/test_races.py"
RACES_OF_ORDERS = "billing/test_races_orders.py"
CONFIRMING = "billing/test_orders_confirming.py"
NEW = "billing/test_orders_new.py"
CREDITS = "billing/test_credits.py"
FULL = "billing/test_refunds_full.py"
REQUESTS = "billing/test_refunds_requests.py"
OFFERS = "billing/test_offers.py"
BOUNDARIES = "billing/test_sweep_boundaries.py"

_ORDERS = "billing/orders/services.py"
_CONFIRMATION = "billing/confirmation.py"
_PAYMENT = "billing/orders/payment.py"
_REFUNDS = "billing/refunds/services.py"
_REFUND_DECISIONS = "billing/refunds/decisions.py"
_REFUND_QUERIES = "billing/refunds/queries.py"
_UNLOCKED_PACKAGE = (
    "PreparedQuery(_with_application, lock=True)",
    "PreparedQuery(_with_application)",
)
_CREDITS = "billing/grants/credits.py"
_OFFERS = "billing/offers/services.py"
_SWEEPS = "billing/renewals/sweep.py"

#: Reads what a token says without a look at its signature.
_UNSIGNED = """\
        body = token.rpartition(":")[0].rpartition(":")[0]
        raw = signing.b64_decode(body.lstrip(".").encode())
        packed = body.startswith(".")
        data = json.loads(__import__("zlib").decompress(raw) if packed else raw)
"""

BUYING = (
    in_code(
        "a purchase locks the account",
        _ORDERS,
        "    locked = lock_account(account.pk)\n    earlier = ",
        "    locked = Account.objects.get(pk=account.pk)\n    earlier = ",
        f"{RACES}::test_one_confirmed_purchase_sent_ten_times_is_one_order",
        f"{RACES_OF_ORDERS}::test_confirmations_at_once_take_no_more_than_there_is",
    ),
    in_code(
        "a payment locks both accounts",
        _ORDERS,
        "    locked = lock_accounts([order.account_id, order.payer_id])\n",
        "    locked = Account.objects.in_bulk([order.account_id, order.payer_id])\n",
        f"{RACES_OF_ORDERS}::test_funds_for_three_of_twelve_orders_pay_three",
    ),
    in_code(
        "a form sent again gives its order",
        _ORDERS,
        "    if earlier is not None:\n        return earlier\n",
        "",
        f"{CONFIRMING}::test_the_same_form_sent_again_gives_the_same_order_however_late",
    ),
    in_code(
        "one key is for one order",
        _ORDERS,
        "        if placed.fingerprint != signed.digest:\n",
        "        if False:\n",
        f"{CONFIRMING}::test_one_key_with_other_contents_is_refused",
    ),
    Guard(
        "a confirmation is signed",
        (
            f"{CONFIRMING}::test_a_token_signed_for_something_else_is_refused",
            f"{FULL}::test_a_confirmation_signed_for_something_else_is_refused",
        ),
        edits=(
            Edit(_CONFIRMATION, "        data = signing.loads(token, salt=purpose)\n", _UNSIGNED),
        ),
    ),
    in_code(
        "a confirmation is for its account or package",
        _CONFIRMATION,
        '    if data["subject"] != subject:\n',
        "    if False:\n",
        f"{CONFIRMING}::test_another_accounts_token_is_refused",
        f"{FULL}::test_a_confirmation_of_another_package_is_refused",
    ),
    in_code(
        "a quote holds for fifteen minutes",
        _ORDERS,
        "    if signed.is_too_old(now) or quote.digest ",
        "    if quote.digest ",
        f"{CONFIRMING}::test_a_price_older_than_fifteen_minutes_is_shown_anew_and_nothing_is_charged",
    ),
    in_code(
        "what was confirmed is what is done",
        _ORDERS,
        " or quote.digest != signed.digest:\n",
        ":\n",
        f"{CONFIRMING}::test_a_change_meanwhile_charges_nothing",
    ),
    in_code(
        "a restricted account orders nothing",
        "billing/orders/eligibility.py",
        "    require_good_standing(account)\n",
        "",
        f"{NEW}::test_a_restricted_account_buys_nothing",
    ),
    in_code(
        "a restricted account pays for no one",
        _ORDERS,
        "    require_good_standing(current.payer)\n",
        "",
        f"{CONFIRMING}::test_neither_side_may_be_restricted_when_it_is_paid",
    ),
    in_code(
        "an order is paid within its hours",
        _ORDERS,
        "    if not is_unpaid or current.expires_at <= now:\n",
        "    if not is_unpaid:\n",
        f"{NEW}::test_after_24_hours_an_order_is_over_even_where_no_sweep_ran",
    ),
    in_code(
        "only an unpaid order becomes paid",
        _PAYMENT,
        "filter(pk=order.pk, status=_UNPAID).update(\n",
        "filter(pk=order.pk).update(\n",
        f"{BOUNDARIES}::test_an_order_is_paid_or_ended_by_a_sweep_and_never_both",
    ),
    in_code(
        "only an open order is canceled",
        _ORDERS,
        "    changed = Order.objects.open(now).filter(pk=order.pk)",
        "    changed = Order.objects.filter(pk=order.pk)",
        f"{NEW}::test_a_paid_order_is_neither_paid_again_nor_cancelled",
    ),
    in_code(
        "an order is delivered to what it was priced for",
        _ORDERS,
        "    _require_same_terms(current, changes)\n",
        "",
        "billing/test_orders_midterm.py::test_an_unpaid_upgrade_is_not_paid_after_licenses_were_added",
        "billing/test_orders_renewal.py::test_a_renewal_priced_for_another_package_is_not_paid",
    ),
    in_code(
        "an application is the account's own",
        "billing/orders/snapshots.py",
        "Application.objects.filter(account=account, pk=application_id)",
        "Application.objects.filter(pk=application_id)",
        f"{NEW}::test_another_accounts_application_is_not_found",
    ),
    in_code(
        "a coupon is the account's own",
        _OFFERS,
        "Coupon.objects.filter(account_id=account_id, pk=pk)",
        "Coupon.objects.filter(pk=pk)",
        f"{OFFERS}::test_another_accounts_coupon_is_not_known",
    ),
    in_code(
        "a coupon is used once",
        _OFFERS,
        "unused.filter(used_at=None).update(",
        "unused.update(",
        f"{OFFERS}::test_two_orders_that_count_on_one_coupon_cannot_both_be_paid_with_it",
    ),
    in_code(
        "a voucher pays no more than it holds",
        _OFFERS,
        "unused.filter(remaining__gte=amount).update(",
        "unused.update(",
        f"{OFFERS}::test_two_orders_that_count_on_one_coupon_cannot_both_be_paid_with_it",
    ),
)

CREDITING = (
    in_code(
        "a decision on a credit locks the account",
        _CREDITS,
        "by: User, now: datetime) -> Credit:\n    account = lock_account(credit.account_id)\n",
        "by: User, now: datetime) -> Credit:\n    account = credit.account\n",
        f"{CREDITS}::test_people_who_decide_at_the_same_instant_decide_once",
    ),
    in_code(
        "a credit is decided once",
        _CREDITS,
        "    if current.status not in CREDIT_TRANSITIONS.sources(move):\n",
        "    if False:\n",
        f"{CREDITS}::test_a_credit_is_decided_once",
        f"{CREDITS}::test_a_reversal_is_decided_once",
    ),
    in_code(
        "a credit needs a second person",
        _CREDITS,
        "    require_second_person(maker_ids=[current.created_by_id], by=by, account=account, "
        "now=now)\n    return current\n",
        "    return current\n",
        f"{CREDITS}::test_its_maker_does_not_decide_on_it",
    ),
    in_code(
        "a large credit waits",
        _CREDITS,
        "    if by is None or fits_daily_limit(account=locked, value=amount, now=now):\n",
        "    if True:\n",
        f"{CREDITS}::test_a_credit_above_the_threshold_waits",
    ),
)

REFUNDING = (
    Guard(
        "a refund locks accounts and package",
        (f"{RACES}::test_one_confirmed_refund_sent_ten_times_is_one_refund",),
        edits=(
            Edit(
                _REFUNDS,
                "    accounts = lock_accounts_of("
                "concerned_accounts, lock_lowest_concerned, package.pk)\n",
                "    accounts = Account.objects.in_bulk()\n",
            ),
            Edit(_REFUND_QUERIES, *_UNLOCKED_PACKAGE),
        ),
    ),
    in_code(
        "a refund locks the package against the sweep",
        _REFUND_QUERIES,
        *_UNLOCKED_PACKAGE,
        f"{BOUNDARIES}::test_an_act_on_a_package_builds_on_the_sweep_that_came_before",
    ),
    in_code(
        "a confirmation sent again is its refund",
        _REFUNDS,
        "        if (done.account_id, done.key) == (account.pk, confirmed.key):\n",
        "        if False:\n",
        f"{FULL}::test_the_same_confirmation_again_is_the_same_refund",
    ),
    in_code(
        "what was confirmed is what is refunded",
        _REFUNDS,
        "    if quote.digest != confirmed.digest:\n",
        "    if False:\n",
        f"{FULL}::test_what_changed_meanwhile_is_shown_before_anything_goes_back",
    ),
    in_code(
        "a refund that a rule forbids is not done",
        _REFUNDS,
        "    if not quote.may_confirm:\n        raise RefundRefused(quote)\n"
        "    if quote.digest != confirmed.digest:\n",
        "    if quote.digest != confirmed.digest:\n",
        f"{FULL}::test_a_forged_confirmation_of_a_refused_refund_gets_the_trace_and_is_remembered",
    ),
    in_code(
        "a company has one full refund",
        "billing/refunds/policy.py",
        "    claiming = [refund for refund in refunds if refund.uses_right]\n",
        "    claiming: list[EntityRefund] = []\n",
        f"{FULL}::test_one_refund_for_an_entity_over_all_its_accounts",
    ),
    in_code(
        "the refund window closes to the second",
        "billing/refunds/policy.py",
        "if question.asked_at < ends_at else",
        "if question.asked_at <= ends_at else",
        f"{FULL}::test_the_window_is_open_to_the_last_second_and_not_one_longer",
    ),
    in_code(
        "a standing violation bars a refund",
        "billing/refunds/policy.py",
        '    if barring:\n        return FAIL, "violation", {"numbers": barring}\n',
        "",
        f"{FULL}::test_what_a_case_under_the_guidelines_does",
    ),
    in_code(
        "a refund request is decided once",
        _REFUND_DECISIONS,
        "    if current.status not in REFUND_TRANSITIONS.sources(move):\n",
        "    if False:\n",
        f"{REQUESTS}::test_a_request_is_decided_once",
    ),
    in_code(
        "every hard rule is asked again at the approval",
        _REFUND_DECISIONS,
        "    if not quote.may_confirm:\n        raise RefundRefused(quote)\n"
        "    if quote.plan.amount != current.amount:\n",
        "    if quote.plan.amount != current.amount:\n",
        f"{REQUESTS}::test_every_other_hard_rule_is_asked_again",
    ),
)

GUARDS = (*BUYING, *CREDITING, *REFUNDING)
