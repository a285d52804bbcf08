"""Guards that the database holds on its own: constraints, unique keys and triggers."""

from tests.guards.guard import Guard, constraint, index, trigger
from tests.guards.money import CREDITS, FULL

LEDGER = "billing/test_ledger.py"
SEATS = "agents/test_database.py"

GUARDS: tuple[Guard, ...] = (
    constraint(
        "a fund is never below zero",
        "billing_fund",
        "billing_fund_not_negative",
        f"{LEDGER}::test_a_fund_is_never_overdrawn",
    ),
    trigger(
        "entries sum to zero",
        "billing_ledgerentry",
        "sums_to_zero",
        f"{LEDGER}::test_an_unbalanced_transaction_fails_at_commit",
    ),
    trigger(
        "a transaction has entries",
        "billing_ledgertransaction",
        "has_entries",
        f"{LEDGER}::test_a_transaction_without_entries_fails_at_commit",
    ),
    trigger(
        "a balance follows its entries",
        "billing_ledgerentry",
        "keeps_balance",
        f"{LEDGER}::test_balances_follow_the_entries",
    ),
    trigger(
        "a payment is refunded up to what it paid",
        "billing_refundline",
        "never_above_payment",
        f"{LEDGER}::test_a_payment_is_never_refunded_beyond_what_it_paid",
    ),
    constraint(
        "a reference credits once",
        "billing_credit",
        "billing_credit_reference_key",
        f"{CREDITS}::test_the_same_reference_credits_once",
    ),
    index(
        "a company has one full refund, in the database too",
        "billing_refund_one_per_entity",
        f"{FULL}::test_the_database_itself_allows_an_entity_one_refund",
    ),
    constraint(
        "a license is held once",
        "agents_agent",
        "agents_agent_license_id_key",
        f"{SEATS}::test_a_license_is_held_once",
    ),
    trigger(
        "a license fits its holder",
        "agents_agent",
        "fitting_license",
        f"{SEATS}::test_a_license_fits_its_holder",
    ),
    trigger(
        "a row is of its application's account",
        "agents_agent",
        "same_account",
        f"{SEATS}::test_rows_stay_in_their_application_and_account",
    ),
    constraint(
        "who was erased stays out",
        "accounts_user",
        "accounts_user_erased_stays_out",
        "config/test_erasure.py::test_the_database_keeps_the_person_out",
    ),
)
