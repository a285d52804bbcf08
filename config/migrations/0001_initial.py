"""The table of the database cache, and the groups of staff. Going back leaves both."""

from django.db import migrations

from config.staff.groups import write_groups


def write(apps, schema_editor):
    write_groups(apps)


class Migration(migrations.Migration):
    """Makes them, so that `migrate` alone prepares a database."""

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("accounts", "0001_initial"),
        ("compliance", "0001_initial"),
        ("billing", "0001_initial"),
        ("agents", "0001_initial"),
    ]

    operations = [
        # Unlogged: what a crash would lose here is counters of sign-in attempts.
        migrations.RunSQL(
            """
                CREATE UNLOGGED TABLE IF NOT EXISTS cache (
                    cache_key varchar(255) PRIMARY KEY,
                    value text NOT NULL,
                    expires timestamptz NOT NULL
                );
                CREATE INDEX IF NOT EXISTS cache_expires ON cache (expires);
            """,
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(write, migrations.RunPython.noop),
    ]
