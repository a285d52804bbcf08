"""The sequences that UINs and SDKAppIDs are drawn from."""

from django.db import migrations


class Migration(migrations.Migration):
    """Adds both sequences; a number is never given out twice, even after a rollback."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE accounts_uin_seq MINVALUE 100000000001 MAXVALUE 999999999999",
            "DROP SEQUENCE accounts_uin_seq",
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE accounts_sdkappid_seq MINVALUE 1400000000 MAXVALUE 9999999999",
            "DROP SEQUENCE accounts_sdkappid_seq",
        ),
    ]
