"""Triggers: what a unique key, a check and a foreign key cannot say."""

import pgtrigger

#: A row stays in the application that it was made in.
PLACE_FIXED = pgtrigger.ReadOnly(name="place_fixed", fields=["account", "application"])

#: An owned row names the account that its application belongs to.
SAME_ACCOUNT = pgtrigger.Trigger(
    name="same_account",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func="""
        IF NOT EXISTS (SELECT FROM accounts_application
                       WHERE id = NEW.application_id AND account_id = NEW.account_id) THEN
            RAISE EXCEPTION '% % and its application belong to different accounts',
                TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    """,
)


def fitting_license(kind: str) -> pgtrigger.Trigger:
    """Return the trigger that lets a holder have only a license of `kind` of its application."""
    return pgtrigger.Trigger(
        name="fitting_license",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("license_id"),  # type: ignore[no-untyped-call]
        func=f"""
            IF NEW.license_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM billing_license l JOIN billing_package p ON p.id = l.package_id
                WHERE l.id = NEW.license_id AND l.kind = '{kind}'
                  AND p.application_id = NEW.application_id) THEN
                RAISE EXCEPTION 'license % does not fit % %',
                    NEW.license_id, TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        """,
    )


def number_free_in(other_table: str) -> pgtrigger.Trigger:
    """Return the trigger that keeps a dialled number from leading to two places.

    Agents and telephones of an application share one numbering; each table has its own unique
    key, and this looks into the other one. The application's row is locked, so that the two
    tables cannot be filled with the same number at the same time.
    """
    return pgtrigger.Trigger(
        name="number_free",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("extension"),  # type: ignore[no-untyped-call]
        func=f"""
            IF NEW.extension <> '' THEN
                PERFORM FROM accounts_application WHERE id = NEW.application_id
                    FOR NO KEY UPDATE;
                IF EXISTS (SELECT FROM {other_table}
                           WHERE account_id = NEW.account_id
                             AND application_id = NEW.application_id
                             AND extension = NEW.extension) THEN
                    RAISE EXCEPTION 'extension % is taken in {other_table}', NEW.extension
                        USING ERRCODE = 'unique_violation', CONSTRAINT = 'agents_extension_shared';
                END IF;
            END IF;
            RETURN NEW;
        """,
    )
