from django.db import migrations

from accounts.row_policies import protect


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial"), ("accounts", "0007_row_security")]

    operations = [
        protect(f"compliance_{name}")
        for name in ("appeal", "connectionrequest", "evidence", "violation", "violationevent")
    ]
