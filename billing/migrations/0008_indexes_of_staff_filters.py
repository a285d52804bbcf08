"""Lets staff narrow and search the lists of all accounts by an index, however long they are."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_indexes_of_staff_search"),
        ("billing", "0007_features_in_chinese"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(fields=["kind", "-id"], name="billing_coupon_kind_idx"),
        ),
        migrations.AddIndex(
            model_name="credit",
            index=models.Index(fields=["status", "-id"], name="billing_credit_status_idx"),
        ),
        migrations.AddIndex(
            model_name="credit",
            index=models.Index(fields=["fund_kind", "-id"], name="billing_credit_fund_kind_idx"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["status", "-id"], name="billing_order_status_idx"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["kind", "-id"], name="billing_order_kind_idx"),
        ),
        migrations.AddIndex(
            model_name="package",
            index=models.Index(fields=["state", "-id"], name="billing_package_state_idx"),
        ),
        migrations.AddIndex(
            model_name="package",
            index=models.Index(fields=["edition", "-id"], name="billing_package_edition_idx"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["status", "-id"], name="billing_refund_status_idx"),
        ),
    ]
