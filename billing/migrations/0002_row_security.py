from django.db import migrations

from accounts.row_policies import RunRules, also_allow, is_named, protect

# Accounts that pay for one that was named, or for which one that was named pays.
PARTNERS = """
CREATE INDEX billing_order_paid_by_other ON billing_order (account_id, payer_id)
    WHERE payer_id <> account_id;
CREATE INDEX billing_order_paid_for_other ON billing_order (payer_id, account_id)
    WHERE payer_id <> account_id;
CREATE FUNCTION tccc_partners() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT array(
        SELECT payer_id FROM billing_order
            WHERE account_id = ANY (tccc_accounts()) AND payer_id <> account_id
        UNION
        SELECT account_id FROM billing_order
            WHERE payer_id = ANY (tccc_accounts()) AND payer_id <> account_id
    )
$$;
"""
NO_PARTNERS = """
DROP FUNCTION tccc_partners();
DROP INDEX billing_order_paid_for_other, billing_order_paid_by_other;
"""

# Checks at the end of a transaction must see all of it, in every role.
CHECKS = """
DO $$
DECLARE
    check_function regproc;
BEGIN
    FOR check_function IN
        SELECT tgfoid::regproc FROM pg_trigger
        WHERE tgrelid IN ('billing_ledgerentry'::regclass, 'billing_ledgertransaction'::regclass,
            'billing_refundline'::regclass) AND tgdeferrable AND NOT tgisinternal
    LOOP
        EXECUTE format('ALTER FUNCTION %s() SECURITY {} SET search_path = public, pg_temp',
            check_function);
    END LOOP;
END
$$;
"""

TRANSACTION_IS_NAMED = (
    "EXISTS (SELECT FROM billing_ledgertransaction own WHERE own.id = transaction_id AND "
    + is_named("own.account_id")
    + ")"
)
# One statement writes a transaction with its entries, which cannot see the transaction yet.
FUND_IS_NAMED = (
    "fund_id IS NULL OR EXISTS (SELECT FROM billing_fund own WHERE own.id = fund_id AND "
    + is_named("own.account_id")
    + ")"
)
ORDER_IS_NAMED = (
    "EXISTS (SELECT FROM billing_order own WHERE own.id = order_id AND "
    + is_named("own.account_id")
    + ")"
)
# What came back to an account of what it had paid for another.
RETURNED = (
    "EXISTS (SELECT FROM billing_refundline own WHERE own.refund_id = billing_refund.id AND "
    + is_named("own.account_id")
    + ")"
)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("accounts", "0007_row_security")]

    operations = [
        RunRules(PARTNERS, NO_PARTNERS),
        RunRules(CHECKS.format("DEFINER"), CHECKS.format("INVOKER")),
        # The name and UIN of the other side of an order.
        also_allow("accounts_account", "partner", "id = ANY ((SELECT tccc_partners())::bigint[])"),
        protect("billing_order"),
        also_allow("billing_order", "payer", is_named("payer_id")),
        protect("billing_payment"),
        also_allow("billing_payment", "buyer", ORDER_IS_NAMED),
        protect("billing_ledgerentry", TRANSACTION_IS_NAMED, FUND_IS_NAMED),
        *(
            protect(f"billing_{name}")
            for name in (
                "coupon",
                "credit",
                "expiryreminder",
                "fund",
                "ledgertransaction",
                "license",
                "orderline",
                "package",
                "refund",
                "refundhold",
                "refundline",
                "trialgrant",
            )
        ),
        also_allow("billing_refund", "payer", RETURNED),
    ]
