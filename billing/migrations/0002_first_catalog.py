"""The first price book and feature table, from `billing/data/`; and room for updates in place."""

import json
from datetime import UTC, datetime
from pathlib import Path

from django.db import migrations

DATA = Path(__file__).resolve().parent.parent / "data"
#: Long before any order, so that demo data may lie in the past.
EFFECTIVE = datetime(2024, 1, 1, tzinfo=UTC)


def _version(model, data, **fields):
    return model.objects.create(
        version=1, effective_at=EFFECTIVE, published_at=EFFECTIVE, note=data["note"], **fields
    )


def _is_loaded(model):
    # Published versions cannot be deleted, so going back leaves them, and coming again finds them.
    return model.objects.filter(version=1).exists()


def load_price_book(apps, schema_editor):
    if _is_loaded(apps.get_model("billing", "PriceBook")):
        return
    data = json.loads((DATA / "price_book.json").read_text())
    book = _version(
        apps.get_model("billing", "PriceBook"),
        data,
        currency=data["currency"],
        trial_edition=data["trial"]["edition"],
        trial_agents=data["trial"]["agents"],
        trial_days=data["trial"]["days"],
    )
    rows = [{**row, "item": "package"} for row in data["packages"]] + data["additional"]
    item = apps.get_model("billing", "PriceItem")
    item.objects.bulk_create([item(book=book, **row) for row in rows])


def load_feature_table(apps, schema_editor):
    if _is_loaded(apps.get_model("billing", "FeatureTable")):
        return
    data = json.loads((DATA / "feature_table.json").read_text())
    table = _version(apps.get_model("billing", "FeatureTable"), data)
    feature = apps.get_model("billing", "Feature")
    rows = [(group["group"], row) for group in data["groups"] for row in group["features"]]
    feature.objects.bulk_create(
        [
            feature(
                table=table,
                position=position,
                group=group,
                key=row["key"],
                name=row["name"],
                note=row.get("note", ""),
                is_calling=row["calling"],
                in_essential=bool(row["essential"]),
                essential_scope=row["essential"] if isinstance(row["essential"], str) else "",
                in_premium=bool(row["premium"]),
                premium_scope=row["premium"] if isinstance(row["premium"], str) else "",
            )
            for position, (group, row) in enumerate(rows, start=1)
        ]
    )


class Migration(migrations.Migration):
    """Loads both; a package row keeps room on its page, since its state is updated in place."""

    dependencies = [("billing", "0001_initial")]

    operations = [
        migrations.RunPython(load_price_book, migrations.RunPython.noop),
        migrations.RunPython(load_feature_table, migrations.RunPython.noop),
        migrations.RunSQL(
            "ALTER TABLE billing_package SET (fillfactor = 70)",
            migrations.RunSQL.noop,
        ),
    ]
