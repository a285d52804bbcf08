"""The table of the database cache, so that `migrate` alone prepares a database."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        # Unlogged: what a crash would lose here is counters of sign-in attempts.
        migrations.RunSQL(
            sql="""
                CREATE UNLOGGED TABLE cache (
                    cache_key varchar(255) PRIMARY KEY,
                    value text NOT NULL,
                    expires timestamptz NOT NULL
                );
                CREATE INDEX cache_expires ON cache (expires);
            """,
            reverse_sql="DROP TABLE cache",
        ),
    ]
