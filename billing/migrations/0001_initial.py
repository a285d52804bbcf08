"""The tables of billing, and the first catalog."""

import datetime

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from billing.migrations._first_catalog import load_feature_table, load_price_book


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Coupon",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "editions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("essential", "Essential"), ("premium", "Premium")],
                            max_length=16,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="editions",
                    ),
                ),
                (
                    "term_units",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("month", "Monthly"), ("year", "Annual")], max_length=8
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="terms",
                    ),
                ),
                (
                    "order_kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("new", "New purchase"),
                                ("additional", "Additional purchase"),
                                ("renewal", "Renewal"),
                                ("upgrade", "Upgrade"),
                            ],
                            max_length=16,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="kinds of order",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("code", models.CharField(max_length=40, unique=True, verbose_name="code")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("voucher", "Voucher"),
                            ("cash", "Cash coupon"),
                            ("discount", "Discount coupon"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=14,
                        null=True,
                        verbose_name="amount",
                    ),
                ),
                (
                    "remaining",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=14,
                        null=True,
                        verbose_name="remaining",
                    ),
                ),
                (
                    "percent_off",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=5,
                        null=True,
                        verbose_name="percent off",
                    ),
                ),
                (
                    "cap",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=14,
                        null=True,
                        verbose_name="at most",
                    ),
                ),
                (
                    "minimum_spend",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=14, verbose_name="minimum spend"
                    ),
                ),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupons",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="approved by",
                    ),
                ),
                (
                    "withdrawn_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="withdrawn"),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="withdrawn by",
                    ),
                ),
            ],
            options={
                "verbose_name": "coupon",
                "verbose_name_plural": "coupons",
                "indexes": [
                    models.Index(
                        fields=["account", "ends_at"], name="billing_cou_account_942fdc_idx"
                    ),
                    models.Index(fields=["kind", "-id"], name="billing_coupon_kind_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount__gt", 0),
                                ("kind", "voucher"),
                                ("percent_off", None),
                                ("remaining__gte", 0),
                                ("remaining__lte", models.F("amount")),
                            ),
                            models.Q(
                                ("amount__gt", 0),
                                ("kind", "cash"),
                                ("percent_off", None),
                                ("remaining", None),
                            ),
                            models.Q(
                                ("amount", None),
                                ("kind", "discount"),
                                ("percent_off__gt", 0),
                                ("percent_off__lte", 100),
                                ("remaining", None),
                            ),
                            _connector="OR",
                        ),
                        name="billing_coupon_fits_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="billing_coupon_ends_later",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by", None),
                            ("created_by", None),
                            models.Q(("approved_by", models.F("created_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="billing_coupon_approved_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("withdrawn_at", None), ("withdrawn_by", None)),
                            models.Q(
                                ("used_at", None),
                                ("withdrawn_at__isnull", False),
                                ("withdrawn_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="billing_coupon_withdrawn_unused",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FeatureTable",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(unique=True, verbose_name="version")),
                ("effective_at", models.DateTimeField(verbose_name="effective from")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("published_at", models.DateTimeField(verbose_name="published")),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="published by",
                    ),
                ),
            ],
            options={
                "verbose_name": "feature table",
                "verbose_name_plural": "feature tables",
            },
        ),
        migrations.CreateModel(
            name="Feature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveIntegerField(verbose_name="position")),
                ("group", models.CharField(max_length=100, verbose_name="group")),
                ("key", models.CharField(max_length=64, verbose_name="key")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                (
                    "is_calling",
                    models.BooleanField(
                        default=False,
                        help_text="Available only when the application's numbers can be connected.",
                        verbose_name="needs an approved connection",
                    ),
                ),
                ("in_essential", models.BooleanField(verbose_name="in Essential")),
                (
                    "essential_scope",
                    models.CharField(blank=True, max_length=200, verbose_name="scope in Essential"),
                ),
                ("in_premium", models.BooleanField(verbose_name="in Premium")),
                (
                    "premium_scope",
                    models.CharField(blank=True, max_length=200, verbose_name="scope in Premium"),
                ),
                (
                    "table",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="features",
                        to="billing.featuretable",
                        verbose_name="feature table",
                    ),
                ),
                (
                    "words_zh",
                    models.JSONField(
                        blank=True,
                        db_default={},
                        default=dict,
                        help_text="For group, name, note, essential and premium. Missing texts stay in English.",
                        verbose_name="Chinese text",
                    ),
                ),
            ],
            options={
                "verbose_name": "feature",
                "verbose_name_plural": "features",
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("table", "key"), name="billing_feature_key_once"
                    ),
                    models.UniqueConstraint(
                        fields=("table", "position"), name="billing_feature_position_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Fund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("gift", "Gift"), ("income", "Income"), ("cash", "Cash")],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "balance",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=14, verbose_name="balance"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="funds",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "fund",
                "verbose_name_plural": "funds",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "kind", "currency"), name="billing_fund_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("balance__gte", 0)), name="billing_fund_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["gift", "income", "cash"])),
                        name="billing_fund_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Package",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("trial", "Trial"), ("paid", "Paid")],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("trial", "Trial"),
                            ("active", "Active"),
                            ("isolated", "Isolated"),
                            ("released", "Released"),
                            ("refunded", "Refunded"),
                        ],
                        max_length=16,
                        verbose_name="recorded state",
                    ),
                ),
                (
                    "edition",
                    models.CharField(
                        choices=[("essential", "Essential"), ("premium", "Premium")],
                        max_length=16,
                        verbose_name="edition",
                    ),
                ),
                (
                    "term_unit",
                    models.CharField(
                        choices=[("month", "Monthly"), ("year", "Annual")],
                        default="month",
                        max_length=8,
                        verbose_name="term",
                    ),
                ),
                ("anchor_at", models.DateTimeField(verbose_name="counted from")),
                ("months", models.PositiveIntegerField(default=0, verbose_name="months")),
                (
                    "extension",
                    models.DurationField(
                        default=datetime.timedelta, verbose_name="time given back"
                    ),
                ),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                (
                    "purchased_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="purchased"),
                ),
                (
                    "renewal_mode",
                    models.CharField(
                        choices=[
                            ("remind", "Remind me, and I renew manually"),
                            ("automatic", "Remind me and renew automatically"),
                            ("neither", "Let it expire without reminders"),
                        ],
                        default="remind",
                        max_length=16,
                        verbose_name="renewal",
                    ),
                ),
                (
                    "is_switched_from_postpaid",
                    models.BooleanField(default=False, verbose_name="switched from postpaid"),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="packages",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="packages",
                        to="accounts.application",
                        verbose_name="application",
                    ),
                ),
            ],
            options={
                "verbose_name": "package",
                "verbose_name_plural": "packages",
                "indexes": [
                    models.Index(
                        fields=["account", "application", "-id"],
                        name="billing_pac_account_fd1deb_idx",
                    ),
                    models.Index(fields=["state", "-id"], name="billing_package_state_idx"),
                    models.Index(fields=["edition", "-id"], name="billing_package_edition_idx"),
                    django.contrib.postgres.indexes.BTreeIndex(
                        condition=models.Q(("state", "trial")),
                        fields=["expires_at", "id"],
                        include=("account",),
                        name="billing_pkg_trial_due_idx",
                    ),
                    django.contrib.postgres.indexes.BTreeIndex(
                        condition=models.Q(("state", "active")),
                        fields=["expires_at", "id"],
                        include=("account",),
                        name="billing_pkg_active_due_idx",
                    ),
                    django.contrib.postgres.indexes.BTreeIndex(
                        condition=models.Q(("state", "isolated")),
                        fields=["expires_at", "id"],
                        include=("account",),
                        name="billing_pkg_isolated_due_idx",
                    ),
                    django.contrib.postgres.indexes.BTreeIndex(
                        condition=models.Q(
                            ("renewal_mode", "automatic"), ("state__in", ["active", "isolated"])
                        ),
                        fields=["expires_at", "id"],
                        name="billing_pkg_automatic_idx",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["trial", "active", "isolated"])),
                        fields=("application",),
                        name="billing_package_one_current",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "trial")),
                        fields=("account",),
                        name="billing_package_one_running_trial",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "trial"), ("state__in", ["trial", "released"])),
                            models.Q(
                                ("kind", "paid"),
                                ("state__in", ["active", "isolated", "released", "refunded"]),
                            ),
                            _connector="OR",
                        ),
                        name="billing_package_state_fits_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "trial"), ("months", 0), ("purchased_at", None)),
                            models.Q(
                                ("kind", "paid"), ("months__gt", 0), ("purchased_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="billing_package_purchase_fits_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("anchor_at"))),
                        name="billing_package_expires_later",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("extension__gte", datetime.timedelta(0))),
                        name="billing_package_extension_forward",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceBook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(unique=True, verbose_name="version")),
                ("effective_at", models.DateTimeField(verbose_name="effective from")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("published_at", models.DateTimeField(verbose_name="published")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "trial_edition",
                    models.CharField(
                        choices=[("essential", "Essential"), ("premium", "Premium")],
                        max_length=16,
                        verbose_name="trial edition",
                    ),
                ),
                ("trial_agents", models.PositiveIntegerField(verbose_name="trial agent licenses")),
                ("trial_days", models.PositiveIntegerField(verbose_name="trial days")),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="published by",
                    ),
                ),
            ],
            options={
                "verbose_name": "price book",
                "verbose_name_plural": "price books",
                "indexes": [
                    models.Index(
                        fields=["-effective_at", "-version"], name="billing_pri_effecti_20d547_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "edition",
                    models.CharField(
                        choices=[("essential", "Essential"), ("premium", "Premium")],
                        max_length=16,
                        verbose_name="edition",
                    ),
                ),
                (
                    "item",
                    models.CharField(
                        choices=[
                            ("package", "Agent package"),
                            ("agent", "Additional agent license"),
                            ("sip", "Additional SIP telephone license"),
                        ],
                        max_length=16,
                        verbose_name="item",
                    ),
                ),
                (
                    "monthly",
                    models.DecimalField(
                        decimal_places=2, max_digits=14, verbose_name="monthly price"
                    ),
                ),
                (
                    "annual",
                    models.DecimalField(
                        decimal_places=2, max_digits=14, verbose_name="annual price"
                    ),
                ),
                (
                    "included_agents",
                    models.PositiveIntegerField(default=0, verbose_name="included agent licenses"),
                ),
                (
                    "included_sip",
                    models.PositiveIntegerField(default=0, verbose_name="included SIP licenses"),
                ),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="billing.pricebook",
                        verbose_name="price book",
                    ),
                ),
            ],
            options={
                "verbose_name": "price",
                "verbose_name_plural": "prices",
                "ordering": ["edition", "item"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("book", "edition", "item"), name="billing_price_item_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("annual__gt", 0), ("monthly__gt", 0)),
                        name="billing_price_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("item", "package"),
                            models.Q(("included_agents", 0), ("included_sip", 0)),
                            _connector="OR",
                        ),
                        name="billing_price_only_packages_include",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Promotion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "editions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("essential", "Essential"), ("premium", "Premium")],
                            max_length=16,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="editions",
                    ),
                ),
                (
                    "term_units",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("month", "Monthly"), ("year", "Annual")], max_length=8
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="terms",
                    ),
                ),
                (
                    "order_kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("new", "New purchase"),
                                ("additional", "Additional purchase"),
                                ("renewal", "Renewal"),
                                ("upgrade", "Upgrade"),
                            ],
                            max_length=16,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="kinds of order",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("code", models.SlugField(max_length=40, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("terms", models.TextField(blank=True, verbose_name="terms shown to the customer")),
                (
                    "percent_off",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=5, verbose_name="percent off"
                    ),
                ),
                (
                    "minimum_terms",
                    models.PositiveIntegerField(default=1, verbose_name="minimum number of terms"),
                ),
                (
                    "refund_rule",
                    models.CharField(
                        choices=[
                            ("policy", "As usual"),
                            ("none", "Not refundable"),
                            ("window", "Custom window in days"),
                        ],
                        default="policy",
                        max_length=16,
                        verbose_name="refund rule",
                    ),
                ),
                (
                    "refund_window_days",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="refund window in days"
                    ),
                ),
            ],
            options={
                "verbose_name": "promotion",
                "verbose_name_plural": "promotions",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("percent_off__gte", 0), ("percent_off__lt", 100)),
                        name="billing_promotion_percent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("refund_rule", "window"), ("refund_window_days__isnull", False)
                            ),
                            models.Q(
                                models.Q(("refund_rule", "window"), _negated=True),
                                ("refund_window_days", None),
                            ),
                            _connector="OR",
                        ),
                        name="billing_promotion_window_has_days",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="billing_promotion_ends_later",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="number")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("new", "New purchase"),
                            ("additional", "Additional purchase"),
                            ("renewal", "Renewal"),
                            ("upgrade", "Upgrade"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unpaid", "Unpaid"),
                            ("paid", "Paid"),
                            ("refunding", "Refund under review"),
                            ("refunded", "Refunded"),
                            ("closed", "Canceled"),
                            ("expired", "Expired"),
                            ("refused", "Payment refused"),
                        ],
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "list_amount",
                    models.DecimalField(
                        decimal_places=2, max_digits=14, verbose_name="list amount"
                    ),
                ),
                (
                    "promotion_amount",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=14, verbose_name="promotion"
                    ),
                ),
                (
                    "coupon_amount",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=14, verbose_name="coupon"
                    ),
                ),
                (
                    "total",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="to pay"),
                ),
                (
                    "excluded_funds",
                    models.JSONField(blank=True, default=list, verbose_name="funds not used"),
                ),
                ("request", models.JSONField(default=dict, verbose_name="request")),
                ("key", models.UUIDField(verbose_name="confirmation key")),
                ("fingerprint", models.CharField(max_length=64, verbose_name="fingerprint")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("expires_at", models.DateTimeField(verbose_name="to be paid by")),
                ("paid_at", models.DateTimeField(blank=True, null=True, verbose_name="paid")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "coupon",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="billing.coupon",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="ordered by",
                    ),
                ),
                (
                    "paid_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="paid by",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders_to_pay",
                        to="accounts.account",
                        verbose_name="payer",
                    ),
                ),
                (
                    "price_book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.pricebook",
                        verbose_name="price book",
                    ),
                ),
                (
                    "promotion",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="billing.promotion",
                        verbose_name="promotion",
                    ),
                ),
            ],
            options={
                "verbose_name": "order",
                "verbose_name_plural": "orders",
                "indexes": [
                    models.Index(fields=["account", "-id"], name="billing_ord_account_ca38a5_idx"),
                    models.Index(fields=["payer", "-id"], name="billing_ord_payer_i_19bf5c_idx"),
                    models.Index(
                        condition=models.Q(("status", "unpaid")),
                        fields=["expires_at", "id"],
                        name="billing_order_unpaid_idx",
                    ),
                    models.Index(fields=["status", "-id"], name="billing_order_status_idx"),
                    models.Index(fields=["kind", "-id"], name="billing_order_kind_idx"),
                    models.Index(
                        fields=["account", "-created_at", "-id"], name="billing_order_dated_idx"
                    ),
                    models.Index(
                        fields=["payer", "-created_at", "-id"], name="billing_order_asked_idx"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "key"), name="billing_order_key_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("coupon_amount__gte", 0),
                            ("promotion_amount__gte", 0),
                            (
                                "total",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("list_amount"), "-", models.F("promotion_amount")
                                    ),
                                    "-",
                                    models.F("coupon_amount"),
                                ),
                            ),
                            ("total__gte", 0),
                        ),
                        name="billing_order_total_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("paid_at__isnull", False),
                                ("status__in", ["paid", "refunding", "refunded"]),
                            ),
                            models.Q(
                                ("paid_at", None),
                                ("paid_by", None),
                                ("status__in", ["unpaid", "closed", "expired", "refused"]),
                            ),
                            _connector="OR",
                        ),
                        name="billing_order_paid_at_fits_status",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "is_on_trial",
                    models.BooleanField(default=False, verbose_name="bought on a trial"),
                ),
                (
                    "item",
                    models.CharField(
                        choices=[
                            ("package", "Agent package"),
                            ("agent", "Additional agent license"),
                            ("sip", "Additional SIP telephone license"),
                        ],
                        max_length=16,
                        verbose_name="item",
                    ),
                ),
                (
                    "edition",
                    models.CharField(
                        choices=[("essential", "Essential"), ("premium", "Premium")],
                        max_length=16,
                        verbose_name="edition",
                    ),
                ),
                (
                    "from_edition",
                    models.CharField(
                        blank=True,
                        choices=[("essential", "Essential"), ("premium", "Premium")],
                        max_length=16,
                        verbose_name="from edition",
                    ),
                ),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                (
                    "term_unit",
                    models.CharField(
                        blank=True,
                        choices=[("month", "Monthly"), ("year", "Annual")],
                        max_length=8,
                        verbose_name="term",
                    ),
                ),
                ("term_count", models.PositiveIntegerField(default=0, verbose_name="terms")),
                (
                    "unit_price",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="unit price"),
                ),
                (
                    "amount",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount"),
                ),
                (
                    "promotion_amount",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=14, verbose_name="promotion"
                    ),
                ),
                (
                    "coupon_amount",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=14, verbose_name="coupon"
                    ),
                ),
                (
                    "net",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="net amount"),
                ),
                ("formula", models.JSONField(verbose_name="formula")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order_lines",
                        to="billing.package",
                        verbose_name="package",
                    ),
                ),
            ],
            options={
                "verbose_name": "order line",
                "verbose_name_plural": "order lines",
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        fields=["account", "package", "id"], name="billing_ord_account_04dc52_idx"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0)), name="billing_line_quantity"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "net",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("amount"), "-", models.F("promotion_amount")
                                    ),
                                    "-",
                                    models.F("coupon_amount"),
                                ),
                            ),
                            ("net__gte", 0),
                        ),
                        name="billing_line_adds_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="License",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("agent", "Agent license"), ("sip", "SIP telephone license")],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("included", "Included"), ("bought", "Bought")],
                        max_length=8,
                        verbose_name="source",
                    ),
                ),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="licenses",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "order_line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="licenses",
                        to="billing.orderline",
                        verbose_name="order line",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="licenses",
                        to="billing.package",
                        verbose_name="package",
                    ),
                ),
            ],
            options={
                "verbose_name": "license",
                "verbose_name_plural": "licenses",
                "indexes": [
                    models.Index(
                        fields=["account", "package", "kind", "id"],
                        name="billing_lic_account_fe4eaa_idx",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("order_line", None), ("source", "included")),
                            models.Q(("order_line__isnull", False), ("source", "bought")),
                            _connector="OR",
                        ),
                        name="billing_license_source_fits_order",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("gift", "Gift"),
                            ("income", "Income"),
                            ("cash", "Cash"),
                            ("coupon", "Coupon"),
                        ],
                        max_length=8,
                        verbose_name="paid from",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "amount",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount"),
                ),
                ("at", models.DateTimeField(verbose_name="when")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="accounts.account",
                        verbose_name="payer",
                    ),
                ),
                (
                    "coupon",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="billing.coupon",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "fund",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="billing.fund",
                        verbose_name="fund",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="billing.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["account", "-id"], name="billing_pay_account_67015d_idx"),
                    models.Index(
                        condition=models.Q(("kind", "coupon")),
                        fields=["account", "-at", "-id"],
                        name="billing_payment_coupon_idx",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("order", "kind"), name="billing_payment_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="billing_payment_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("coupon__isnull", False), ("fund", None), ("kind", "coupon")),
                            models.Q(
                                models.Q(("kind", "coupon"), _negated=True),
                                ("coupon", None),
                                ("fund__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="billing_payment_has_one_source",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "product",
                    models.CharField(default="tccc", max_length=16, verbose_name="product"),
                ),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="number")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Under review"),
                            ("done", "Refunded"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "amount",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount"),
                ),
                ("plan", models.JSONField(verbose_name="amounts")),
                ("trace", models.JSONField(verbose_name="rules")),
                ("policy_version", models.CharField(max_length=32, verbose_name="policy version")),
                ("key", models.UUIDField(verbose_name="confirmation key")),
                ("requested_at", models.DateTimeField(verbose_name="requested")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="accounts.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="accounts.entity",
                        verbose_name="company",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="billing.package",
                        verbose_name="package",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="requested by",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "indexes": [
                    models.Index(fields=["account", "-id"], name="billing_ref_account_d83ff4_idx"),
                    models.Index(
                        fields=["entity", "requested_at"], name="billing_ref_entity__71f1ce_idx"
                    ),
                    models.Index(fields=["status", "-id"], name="billing_refund_status_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["pending", "done"])),
                        fields=("package",),
                        name="billing_refund_one_per_package",
                    ),
                    models.UniqueConstraint(
                        fields=("account", "key"), name="billing_refund_key_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None), ("decided_by", None), ("status", "pending")
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                models.Q(("status", "pending"), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="billing_refund_decided_when_not_pending",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("amount__gt", 0), ("status__in", ["pending", "done"])),
                        fields=("entity", "product"),
                        name="billing_refund_one_per_entity",
                    ),
                ],
                "permissions": [("decide_refund", "Can decide on refunds under review")],
            },
        ),
        migrations.CreateModel(
            name="LedgerTransaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("credit", "Credit"),
                            ("reversal", "Reversal of a credit"),
                            ("payment", "Payment of an order"),
                            ("refund", "Refund"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="when")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_transactions",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_transactions",
                        to="billing.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_transactions",
                        to="billing.refund",
                        verbose_name="refund",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger transaction",
                "verbose_name_plural": "ledger transactions",
                "indexes": [
                    models.Index(
                        fields=["account", "-at", "-id"], name="billing_led_account_2e6133_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "book",
                    models.CharField(
                        choices=[
                            ("fund", "Customer fund"),
                            ("sales", "Sales"),
                            ("top_up", "Top-ups received"),
                            ("gift_grant", "Gifts granted"),
                            ("income_transfer", "Income transferred"),
                        ],
                        max_length=16,
                        verbose_name="book",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "amount",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount"),
                ),
                (
                    "fund",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.fund",
                        verbose_name="fund",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.ledgertransaction",
                        verbose_name="transaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("book", "fund"), ("fund__isnull", False)),
                            models.Q(models.Q(("book", "fund"), _negated=True), ("fund", None)),
                            _connector="OR",
                        ),
                        name="billing_entry_fund_fits_book",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True),
                        name="billing_entry_not_zero",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Credit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "fund_kind",
                    models.CharField(
                        choices=[("gift", "Gift"), ("income", "Income"), ("cash", "Cash")],
                        max_length=8,
                        verbose_name="fund",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "amount",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount"),
                ),
                (
                    "reference",
                    models.CharField(max_length=64, unique=True, verbose_name="reference"),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Awaiting approval"),
                            ("booked", "Booked"),
                            ("rejected", "Rejected"),
                        ],
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credits",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="billing.credit",
                        verbose_name="reverses",
                    ),
                ),
                (
                    "transaction",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit",
                        to="billing.ledgertransaction",
                        verbose_name="ledger transaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "credit",
                "verbose_name_plural": "credits",
                "indexes": [
                    models.Index(fields=["account", "-id"], name="billing_cre_account_530acb_idx"),
                    models.Index(fields=["status", "-id"], name="billing_credit_status_idx"),
                    models.Index(fields=["fund_kind", "-id"], name="billing_credit_fund_kind_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="billing_credit_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "booked"), ("transaction__isnull", False)),
                            models.Q(
                                models.Q(("status", "booked"), _negated=True), ("transaction", None)
                            ),
                            _connector="OR",
                        ),
                        name="billing_credit_booked_has_transaction",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            ("created_by", None),
                            models.Q(("decided_by", models.F("created_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="billing_credit_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("decided_by", None)),
                            models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="billing_credit_decided_by_somebody",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["waiting", "booked"])),
                        fields=("reverses",),
                        name="billing_credit_one_reversal",
                    ),
                ],
                "permissions": [("decide_credit", "Can decide on credits and reversals")],
            },
        ),
        migrations.CreateModel(
            name="RefundHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.TextField(verbose_name="reason")),
                ("placed_at", models.DateTimeField(verbose_name="placed")),
                (
                    "released_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="released"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refund_holds",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="placed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund hold",
                "verbose_name_plural": "refund holds",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("released_at", None)),
                        fields=("account",),
                        name="billing_refund_hold_one_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(decimal_places=2, max_digits=14, verbose_name="amount"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="payer",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refund_lines",
                        to="billing.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.refund",
                        verbose_name="refund",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund line",
                "verbose_name_plural": "refund lines",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("refund", "payment"), name="billing_refund_line_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)),
                        name="billing_refund_line_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrialGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("granted_at", models.DateTimeField(verbose_name="granted")),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trial_grant",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "package",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.package",
                        verbose_name="package",
                    ),
                ),
            ],
            options={
                "verbose_name": "trial grant",
                "verbose_name_plural": "trial grants",
            },
        ),
        migrations.CreateModel(
            name="SweepRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("as_of", models.DateTimeField(verbose_name="as of")),
                ("finished_at", models.DateTimeField(verbose_name="finished")),
                ("counts", models.JSONField(default=dict, verbose_name="changes")),
            ],
            options={
                "verbose_name": "sweep",
                "verbose_name_plural": "sweeps",
                "indexes": [
                    models.Index(fields=["-finished_at"], name="billing_swe_finishe_4828e5_idx")
                ],
            },
        ),
        migrations.CreateModel(
            name="ExpiryReminder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("expires_at", models.DateTimeField(verbose_name="expiry")),
                ("offset_days", models.SmallIntegerField(verbose_name="days after the expiry")),
                ("sent_at", models.DateTimeField(verbose_name="sent")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reminders",
                        to="billing.package",
                        verbose_name="package",
                    ),
                ),
            ],
            options={
                "verbose_name": "expiry reminder",
                "verbose_name_plural": "expiry reminders",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("package", "expires_at", "offset_days"),
                        name="billing_reminder_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceBookWithdrawal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.TextField(verbose_name="reason")),
                ("withdrawn_at", models.DateTimeField(verbose_name="withdrawn")),
                (
                    "book",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawal",
                        to="billing.pricebook",
                        verbose_name="price book",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="withdrawn by",
                    ),
                ),
            ],
            options={
                "verbose_name": "withdrawal of a price book",
                "verbose_name_plural": "withdrawals of price books",
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="featuretable",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="495244d1e8c5fb1bda01b7975de0306ab71d88fb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_9ccdb",
                    table="billing_featuretable",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="featuretable",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="8707b300ef12b1c16c8b3c27586bc4923223d632",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_553d6",
                    table="billing_featuretable",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="feature",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="4389a281ad0ae9564b47a98895ddc53e5c4bbc0f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c16ca",
                    table="billing_feature",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="feature",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="20f924e1186015e0b1270c667cefd13fbcd2d280",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_8bb30",
                    table="billing_feature",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pricebook",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="1f4f29e04366f3d5725ebab58dd43df4b71cfdc9",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_1c834",
                    table="billing_pricebook",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pricebook",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="049184874e9feaf8950d8e61516db3e8f43eabc5",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_0484c",
                    table="billing_pricebook",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="priceitem",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="4631aaa1fc7ff69cef0c6ae4b91f984d39906b60",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_34467",
                    table="billing_priceitem",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="priceitem",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="1fd3594e2fd7c8098a22832216282c47d33c98ef",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_f7e2a",
                    table="billing_priceitem",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payment",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="f18de5b7d72b391cf4f63e5d464f10dbed6ca96b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_009d6",
                    table="billing_payment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payment",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="a96664bb9801873a8f21509c9ed38e5af05f48e6",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_cfd46",
                    table="billing_payment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgertransaction",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="dd836bec090ee60add47657456fd7b81aa1e684d",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_52e8d",
                    table="billing_ledgertransaction",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgertransaction",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="ffee6d466b127145bc29c6df0d4d57c43eb45b58",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_f9ed9",
                    table="billing_ledgertransaction",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgertransaction",
            trigger=pgtrigger.compiler.Trigger(
                name="has_entries",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n                    IF NOT EXISTS (\n                        SELECT FROM billing_ledgerentry WHERE transaction_id = NEW.id\n                    ) THEN\n                        RAISE EXCEPTION 'ledger transaction % has no entries', NEW.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="c00f86fa4791698dc7f8f01b98f5b29604512ce8",
                    operation="INSERT",
                    pgid="pgtrigger_has_entries_4739d",
                    table="billing_ledgertransaction",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="3d956c0b7c3cd60483ee614cb6bafbbc0a63c873",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c9e1b",
                    table="billing_ledgerentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="052628575d97fbb1d88048eed90444c31a369c94",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_40114",
                    table="billing_ledgerentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="keeps_balance",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.fund_id IS NOT NULL)",
                    func="\n                    UPDATE billing_fund SET balance = balance + NEW.amount\n                        WHERE id = NEW.fund_id AND currency = NEW.currency;\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'entry % is in another currency than its fund', NEW.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="fa89e0c25d635e3b25d9b9817d4b3280d0cfe8d0",
                    operation="INSERT",
                    pgid="pgtrigger_keeps_balance_16b3d",
                    table="billing_ledgerentry",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="sums_to_zero",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n                    IF EXISTS (\n                        SELECT FROM billing_ledgerentry\n                        WHERE transaction_id = NEW.transaction_id\n                        GROUP BY currency HAVING sum(amount) <> 0\n                    ) THEN\n                        RAISE EXCEPTION 'ledger transaction % does not sum to zero',\n                            NEW.transaction_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="e2602a3057c8850e89f3897c8127a4dcc5bf3255",
                    operation="INSERT",
                    pgid="pgtrigger_sums_to_zero_af3d9",
                    table="billing_ledgerentry",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundline",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="2a7e49af28d575f97835f36caff596535f049c21",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_5eb8e",
                    table="billing_refundline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundline",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="2fe65dcc533d666d34a1ac3f5f980335dd3b93da",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_c4636",
                    table="billing_refundline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundline",
            trigger=pgtrigger.compiler.Trigger(
                name="never_above_payment",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE paid numeric; tender text;",
                    func="\n                    SELECT amount, kind INTO paid, tender FROM billing_payment\n                        WHERE id = NEW.payment_id FOR UPDATE;\n                    IF (SELECT sum(amount) FROM billing_refundline\n                        WHERE payment_id = NEW.payment_id) > paid THEN\n                        RAISE EXCEPTION 'payment % would be refunded beyond what it paid',\n                            NEW.payment_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    IF tender = 'coupon' AND NEW.amount <> 0 THEN\n                        RAISE EXCEPTION 'payment % was made by a coupon, which is never refunded',\n                            NEW.payment_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="a1171b1564e6575a6689ca888f50ee3db1a0ecfb",
                    operation="INSERT",
                    pgid="pgtrigger_never_above_payment_aef8d",
                    table="billing_refundline",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pricebookwithdrawal",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="e5615b8f8095866971d3dd98dc29b5a49c43b6b2",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_fdc88",
                    table="billing_pricebookwithdrawal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pricebookwithdrawal",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="e3691fea232e56b27057f72b2ef5c5e0ae553422",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_691eb",
                    table="billing_pricebookwithdrawal",
                    when="BEFORE",
                ),
            ),
        ),
        # A package's state is updated in place: its row keeps room on its page.
        migrations.RunSQL(
            "ALTER TABLE billing_package SET (fillfactor = 70)",
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(load_price_book, migrations.RunPython.noop),
        migrations.RunPython(load_feature_table, migrations.RunPython.noop),
    ]
