"""A refund of zero does not use the company's one full refund.

A product that is in service has few refunds, so the index is built again in one step. Going back
fails where a company has a refund of zero beside another one.
"""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("billing", "0010_coupon_payments")]

    operations = [
        migrations.RemoveConstraint(model_name="refund", name="billing_refund_one_per_entity"),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                fields=["entity", "product"],
                condition=Q(status__in=["pending", "done"], amount__gt=0),
                name="billing_refund_one_per_entity",
            ),
        ),
    ]
