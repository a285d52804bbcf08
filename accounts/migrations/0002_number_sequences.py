"""The sequences that UINs and SDKAppIDs are drawn from."""

from django.db import migrations


class Migration(migrations.Migration):
    """Adds both sequences. Going back leaves them, so no number is ever given out twice."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS accounts_uin_seq"
            " MINVALUE 100000000001 MAXVALUE 999999999999",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS accounts_sdkappid_seq"
            " MINVALUE 1400000000 MAXVALUE 9999999999",
            migrations.RunSQL.noop,
        ),
    ]
