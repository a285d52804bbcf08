"""Names are compared by a folded column; addresses are stored in the form that is compared."""

from django.db import migrations, models

import accounts.models.folded
from accounts.text import email_key


def fill(apps, schema_editor):
    application = apps.get_model("accounts", "Application")
    accounts.models.folded.fill_keys(application, ("account_id",), {"name_key": True})


def fold_addresses(apps, schema_editor):
    """Store sign-in addresses in the compared form; one that is taken stays as it is."""
    for app, name, scope in (
        ("accounts", "User", ()),
        ("account", "EmailAddress", ("user_id",)),
        ("accounts", "Invitation", ("account_id", "accepted_at", "withdrawn_at")),
    ):
        rows = apps.get_model(app, name).objects
        for row in rows.exclude(email__regex=r"^[\x21-@\[-~]+$").order_by("pk").iterator():
            key = email_key(row.email)
            same = {field: getattr(row, field) for field in scope}
            if key != row.email and not rows.filter(email=key, **same).exists():
                rows.filter(pk=row.pk).update(email=key)


class Migration(migrations.Migration):
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("accounts", "0004_indexes_of_staff_search"),
    ]

    operations = [
        migrations.AddField(
            "application",
            "name_key",
            accounts.models.folded.FoldedField("name", null=True),
        ),
        migrations.RemoveConstraint("application", "accounts_application_name_once"),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(fold_addresses, migrations.RunPython.noop),
        migrations.AlterField(
            "application", "name_key", accounts.models.folded.FoldedField("name")
        ),
        migrations.AddConstraint(
            "application",
            models.UniqueConstraint(
                fields=["account", "name_key"], name="accounts_application_name_once"
            ),
        ),
    ]
