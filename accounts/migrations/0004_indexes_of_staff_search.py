"""Lets staff narrow and search the lists of all accounts by an index, however long they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_joining_and_notifications"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(fields=["email"], name="accounts_invitation_email_idx"),
        ),
        migrations.AddIndex(
            model_name="restriction",
            index=models.Index(fields=["case_number"], name="accounts_restriction_case_idx"),
        ),
    ]
