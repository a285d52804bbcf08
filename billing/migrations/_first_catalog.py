"""The first price book and feature table, read from `billing/data/`."""

import json
from datetime import UTC, datetime
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
#: Long before any order, so that demo data may lie in the past.
EFFECTIVE = datetime(2024, 1, 1, tzinfo=UTC)


def _read(name):
    return json.loads((DATA / name).read_text())


def _version(model, data, **fields):
    return model.objects.create(
        version=1, effective_at=EFFECTIVE, published_at=EFFECTIVE, note=data["note"], **fields
    )


def load_price_book(apps, schema_editor):
    data = _read("price_book.json")
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
    data = _read("feature_table.json")
    table = _version(apps.get_model("billing", "FeatureTable"), data)
    feature = apps.get_model("billing", "Feature")
    rows = [(group, row) for group in data["groups"] for row in group["features"]]
    feature.objects.bulk_create(
        [
            feature(
                table=table,
                position=position,
                group=group["group"],
                key=row["key"],
                name=row["name"],
                note=row.get("note", ""),
                is_calling=row["calling"],
                in_essential=bool(row["essential"]),
                essential_scope=row["essential"] if isinstance(row["essential"], str) else "",
                in_premium=bool(row["premium"]),
                premium_scope=row["premium"] if isinstance(row["premium"], str) else "",
                words_zh={"group": group["group_zh"], **row["zh"]},
            )
            for position, (group, row) in enumerate(rows, start=1)
        ]
    )
