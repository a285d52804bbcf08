"""Triggers: what a unique key, a check and a foreign key cannot say."""

import pgtrigger

#: A case, and everything that belongs to one, is never deleted.
NEVER_DELETED = pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)


def same_account(column: str, table: str) -> pgtrigger.Trigger:
    """Return the trigger that keeps `column` to rows of `table` of the very same account."""
    return pgtrigger.Trigger(
        name=f"same_account_{column}",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("account_id", f"{column}_id"),  # type: ignore[no-untyped-call]
        func=f"""
            IF NEW.{column}_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM {table} WHERE id = NEW.{column}_id AND account_id = NEW.account_id
            ) THEN
                RAISE EXCEPTION '%: {column} belongs to another account', TG_TABLE_NAME
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        """,
    )
