"""Triggers for tables whose rows are history: added, never changed, deleted or emptied."""

import pgtrigger

_REFUSE = """
    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
"""

#: Neither UPDATE nor DELETE nor TRUNCATE, for anyone who is connected.
APPEND_ONLY = (
    pgtrigger.Trigger(
        name="append_only",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=_REFUSE,
    ),
    pgtrigger.Trigger(
        name="no_truncate",
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        level=pgtrigger.Statement,
        func=_REFUSE,
    ),
)
