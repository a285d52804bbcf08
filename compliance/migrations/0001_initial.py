"""The tables of compliance, their number sequences, and the first rule book."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import compliance.models.evidence
from compliance.migrations._first_rule_book import (
    load_flag_words,
    load_rule_book,
    load_screening_table,
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FlagWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("word", models.CharField(max_length=64, unique=True, verbose_name="word")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
            ],
            options={
                "verbose_name": "flag word",
                "verbose_name_plural": "flag words",
                "ordering": ["word"],
            },
        ),
        migrations.CreateModel(
            name="Industry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=160, verbose_name="name")),
                (
                    "name_zh",
                    models.CharField(blank=True, max_length=160, verbose_name="name in Chinese"),
                ),
                ("position", models.PositiveIntegerField(default=0, verbose_name="position")),
            ],
            options={
                "verbose_name": "industry",
                "verbose_name_plural": "industries",
                "ordering": ["position", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("name",), name="compliance_industry_name_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleBook",
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
                "verbose_name": "rule book",
                "verbose_name_plural": "rule books",
                "indexes": [
                    models.Index(
                        fields=["-effective_at", "-version"], name="compliance__effecti_b0fff3_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Behaviour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=160, verbose_name="name")),
                (
                    "name_zh",
                    models.CharField(blank=True, max_length=160, verbose_name="name in Chinese"),
                ),
                ("number", models.PositiveSmallIntegerField(verbose_name="number")),
                ("description", models.TextField(verbose_name="description")),
                (
                    "description_zh",
                    models.TextField(blank=True, verbose_name="description in Chinese"),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("violation", "Violation"),
                            ("serious", "Serious violation"),
                            ("severe", "Severe violation"),
                        ],
                        max_length=16,
                        verbose_name="severity",
                    ),
                ),
                (
                    "measures",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("warn", "Warning"),
                                ("suspend", "Service suspended"),
                                ("terminate", "Service terminated"),
                                ("block", "Account blocked"),
                            ],
                            max_length=16,
                        ),
                        size=None,
                        verbose_name="measures",
                    ),
                ),
                ("bars_refund", models.BooleanField(verbose_name="excludes refunds")),
                (
                    "allows_legal_follow_up",
                    models.BooleanField(default=False, verbose_name="legal follow-up possible"),
                ),
                (
                    "refers_to_request",
                    models.BooleanField(
                        default=False, verbose_name="is about a connection request"
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="behaviours",
                        to="compliance.rulebook",
                        verbose_name="rule book",
                    ),
                ),
            ],
            options={
                "verbose_name": "behavior",
                "verbose_name_plural": "behaviors",
                "ordering": ["number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("book", "number"), name="compliance_behaviour_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("severity__in", ["violation", "serious", "severe"])),
                        name="compliance_behaviour_severity_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("measures__len__gt", 0)),
                        name="compliance_behaviour_has_measures",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScreeningEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=160, verbose_name="name")),
                (
                    "name_zh",
                    models.CharField(blank=True, max_length=160, verbose_name="name in Chinese"),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("prohibited", "Prohibited service"),
                            ("scenario", "Scenario of an industry"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[("always", "Always"), ("cold", "With cold or blind calling")],
                        max_length=16,
                        verbose_name="refused",
                    ),
                ),
                ("position", models.PositiveIntegerField(default=0, verbose_name="position")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                (
                    "industry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="compliance.industry",
                        verbose_name="industry",
                    ),
                ),
            ],
            options={
                "verbose_name": "screening entry",
                "verbose_name_plural": "screening entries",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("industry", "name"),
                        name="compliance_screening_entry_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("industry", None), ("kind", "prohibited"), ("rule", "always")
                            ),
                            models.Q(
                                ("industry__isnull", False),
                                ("kind", "scenario"),
                                ("rule__in", ["always", "cold"]),
                            ),
                            _connector="OR",
                        ),
                        name="compliance_screening_entry_fits_kind",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ConnectionRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=16, unique=True, verbose_name="number")),
                ("request_key", models.UUIDField(verbose_name="form key")),
                (
                    "industry_name",
                    models.CharField(blank=True, max_length=160, verbose_name="industry"),
                ),
                ("scenario_name", models.CharField(max_length=160, verbose_name="scenario")),
                ("description", models.TextField(verbose_name="description")),
                (
                    "direction",
                    models.CharField(
                        choices=[
                            ("inbound", "Inbound only: people call you"),
                            ("outbound", "Outbound only: you call people"),
                            ("both", "Both inbound and outbound"),
                        ],
                        max_length=16,
                        verbose_name="direction",
                    ),
                ),
                ("is_cold_calling", models.BooleanField(verbose_name="cold or blind calling")),
                (
                    "number_source",
                    models.CharField(
                        choices=[
                            ("none", "No numbers are called"),
                            ("customers", "Own customers who gave their number"),
                            ("sign_up", "People who asked to be called, such as through a form"),
                            ("public", "Public directories or websites"),
                            ("third_party", "Bought or received from a third party"),
                            ("other", "Somewhere else"),
                        ],
                        max_length=16,
                        verbose_name="source of the numbers",
                    ),
                ),
                (
                    "number_source_detail",
                    models.TextField(blank=True, verbose_name="more about the source"),
                ),
                ("consent_proof", models.TextField(blank=True, verbose_name="proof of consent")),
                (
                    "expected_volume",
                    models.PositiveIntegerField(verbose_name="expected calls a day"),
                ),
                ("screening", models.JSONField(default=list, verbose_name="screening")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("review", "Under review"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                            ("revoked", "Approval revoked"),
                        ],
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("submitted_at", models.DateTimeField(verbose_name="submitted")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided")),
                ("decision_reason", models.TextField(blank=True, verbose_name="reason")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="connection_requests",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="connection_requests",
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
                    "submitted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="submitted by",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="compliance.screeningentry",
                        verbose_name="scenario",
                    ),
                ),
            ],
            options={
                "verbose_name": "connection request",
                "verbose_name_plural": "connection requests",
                "permissions": [("decide_connection", "Can decide connection requests")],
                "indexes": [
                    models.Index(fields=["account", "-id"], name="compliance__account_ee0c0b_idx"),
                    models.Index(
                        fields=["application", "state"], name="compliance__applica_56d780_idx"
                    ),
                    models.Index(fields=["state", "id"], name="compliance__state_24d37d_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "request_key"), name="compliance_connection_form_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "review")),
                        fields=("application",),
                        name="compliance_connection_one_waiting",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["review", "approved", "refused", "withdrawn", "revoked"])
                        ),
                        name="compliance_connection_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None), ("decided_by", None), ("state", "review")
                            ),
                            models.Q(
                                models.Q(("state", "review"), _negated=True),
                                ("decided_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="compliance_connection_decided_at",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["approved", "revoked"]), _negated=True),
                            ("decided_by__isnull", False),
                            _connector="OR",
                        ),
                        name="compliance_connection_approved_by",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Violation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.CharField(max_length=16, unique=True, verbose_name="case number"),
                ),
                ("request_key", models.UUIDField(unique=True, verbose_name="form key")),
                ("judged_by", models.JSONField(verbose_name="rule at the time")),
                (
                    "behaviour_number",
                    models.PositiveSmallIntegerField(verbose_name="behavior number"),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("violation", "Violation"),
                            ("serious", "Serious violation"),
                            ("severe", "Severe violation"),
                        ],
                        max_length=16,
                        verbose_name="severity",
                    ),
                ),
                ("bars_refund", models.BooleanField(verbose_name="excludes refunds")),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("customer_complaint", "Complaint of a called party"),
                            ("carrier", "Carrier"),
                            ("regulator", "Regulator"),
                            ("inspection", "Own inspection"),
                        ],
                        max_length=24,
                        verbose_name="source",
                    ),
                ),
                (
                    "complaint_number",
                    models.CharField(
                        blank=True, db_index=True, max_length=64, verbose_name="complaint number"
                    ),
                ),
                (
                    "called_number",
                    models.CharField(
                        blank=True, db_index=True, max_length=32, verbose_name="called number"
                    ),
                ),
                (
                    "call_session_id",
                    models.CharField(
                        blank=True, db_index=True, max_length=64, verbose_name="call session id"
                    ),
                ),
                (
                    "agent_reference",
                    models.CharField(blank=True, max_length=64, verbose_name="agent id"),
                ),
                (
                    "agent_name",
                    models.CharField(blank=True, max_length=64, verbose_name="agent name"),
                ),
                (
                    "agent_staff_number",
                    models.CharField(blank=True, max_length=32, verbose_name="agent staff number"),
                ),
                (
                    "reported_business",
                    models.TextField(blank=True, verbose_name="reported business"),
                ),
                ("actual_business", models.TextField(blank=True, verbose_name="actual business")),
                ("summary", models.TextField(verbose_name="what happened")),
                ("evidence_text", models.TextField(blank=True, verbose_name="evidence")),
                (
                    "is_evidence_disclosed",
                    models.BooleanField(default=False, verbose_name="evidence text shown"),
                ),
                (
                    "occurred_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="occurred"),
                ),
                ("reported_at", models.DateTimeField(verbose_name="reported")),
                (
                    "verified_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="verified"),
                ),
                (
                    "actioned_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="measure taken"),
                ),
                (
                    "notified_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="notified"),
                ),
                (
                    "lifted_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="measure lifted"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reported", "Reported"),
                            ("investigating", "Under investigation"),
                            ("verified", "Verified"),
                            ("dismissed", "Dismissed"),
                            ("actioned", "Measure taken"),
                            ("appealed", "Appealed"),
                            ("upheld", "Upheld after appeal"),
                            ("overturned", "Overturned"),
                        ],
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("decision", models.TextField(blank=True, verbose_name="decision")),
                (
                    "measure",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("warn", "Warning"),
                            ("suspend", "Service suspended"),
                            ("terminate", "Service terminated"),
                            ("block", "Account blocked"),
                        ],
                        max_length=16,
                        verbose_name="measure",
                    ),
                ),
                (
                    "consequences",
                    models.TextField(blank=True, verbose_name="serious impact or consequences"),
                ),
                (
                    "is_legal_follow_up",
                    models.BooleanField(default=False, verbose_name="legal follow-up"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="violations",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="violations",
                        to="accounts.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "behaviour",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="compliance.behaviour",
                        verbose_name="behavior",
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="violations",
                        to="compliance.connectionrequest",
                        verbose_name="request it deviates from",
                    ),
                ),
                (
                    "handler",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="handler",
                    ),
                ),
            ],
            options={
                "verbose_name": "violation",
                "verbose_name_plural": "violations",
                "permissions": [
                    ("handle_violation", "Can report, verify, act on and lift violations")
                ],
                "indexes": [
                    models.Index(
                        fields=["account", "state"], name="compliance__account_daf311_idx"
                    ),
                    models.Index(fields=["account", "-id"], name="compliance__account_ce768b_idx"),
                    models.Index(fields=["state", "id"], name="compliance__state_06f3df_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "reported",
                                    "investigating",
                                    "verified",
                                    "dismissed",
                                    "actioned",
                                    "appealed",
                                    "upheld",
                                    "overturned",
                                ],
                            )
                        ),
                        name="compliance_violation_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("severity__in", ["violation", "serious", "severe"])),
                        name="compliance_violation_severity_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ["reported", "investigating", "dismissed"]),
                                ("verified_at", None),
                            ),
                            models.Q(
                                models.Q(
                                    ("state__in", ["reported", "investigating", "dismissed"]),
                                    _negated=True,
                                ),
                                ("verified_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="compliance_violation_verified_at",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("actioned_at", None),
                                ("measure", ""),
                                ("notified_at", None),
                                (
                                    "state__in",
                                    ["reported", "investigating", "dismissed", "verified"],
                                ),
                            ),
                            models.Q(
                                ("actioned_at__isnull", False),
                                ("measure__in", ["warn", "suspend", "terminate", "block"]),
                                ("notified_at__isnull", False),
                                ("state__in", ["actioned", "appealed", "upheld", "overturned"]),
                            ),
                            _connector="OR",
                        ),
                        name="compliance_violation_measure_with_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_legal_follow_up", False),
                            models.Q(
                                ("severity", "severe"),
                                models.Q(("consequences", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="compliance_violation_legal_needs_consequences",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "reported"), ("handler__isnull", False), _connector="OR"
                        ),
                        name="compliance_violation_handler_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lifted_at", None), ("actioned_at__isnull", False), _connector="OR"
                        ),
                        name="compliance_violation_lifted_after_action",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="round")),
                ("statement", models.TextField(verbose_name="statement")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waiting for a decision"),
                            ("upheld", "Violation upheld"),
                            ("overturned", "Violation overturned"),
                        ],
                        default="open",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("submitted_at", models.DateTimeField(verbose_name="submitted")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided")),
                ("decision_reason", models.TextField(blank=True, verbose_name="reason")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appeals",
                        to="accounts.account",
                        verbose_name="account",
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
                    "submitted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="submitted by",
                    ),
                ),
                (
                    "violation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appeals",
                        to="compliance.violation",
                        verbose_name="violation",
                    ),
                ),
            ],
            options={
                "verbose_name": "appeal",
                "verbose_name_plural": "appeals",
                "ordering": ["round"],
                "permissions": [("decide_appeal", "Can decide appeals")],
                "indexes": [
                    models.Index(
                        fields=["account", "violation"], name="compliance__account_9997bb_idx"
                    ),
                    models.Index(fields=["state", "id"], name="compliance__state_acf41c_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("violation", "round"), name="compliance_appeal_round"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("violation",),
                        name="compliance_appeal_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("decision_reason", ""),
                                ("state", "open"),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("state__in", ["upheld", "overturned"]),
                                models.Q(("decision_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="compliance_appeal_decided_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, unique=True, verbose_name="file id"
                    ),
                ),
                (
                    "file",
                    models.FileField(
                        max_length=128,
                        storage=compliance.models.evidence.evidence_storage,
                        upload_to=compliance.models.evidence.evidence_path,
                        verbose_name="file",
                    ),
                ),
                ("name", models.CharField(max_length=128, verbose_name="file name")),
                (
                    "content_type",
                    models.CharField(
                        choices=[
                            ("application/pdf", "PDF document"),
                            ("image/png", "PNG picture"),
                            ("image/jpeg", "JPEG picture"),
                            ("image/gif", "GIF picture"),
                            ("image/webp", "WebP picture"),
                            ("image/heic", "HEIC picture"),
                            ("image/avif", "AVIF picture"),
                            ("image/bmp", "BMP picture"),
                            ("image/tiff", "TIFF picture"),
                            ("audio/mpeg", "MP3 recording"),
                            ("audio/wav", "WAV recording"),
                            ("audio/ogg", "Ogg recording"),
                            ("audio/amr", "AMR recording"),
                            ("video/mp4", "MP4 recording"),
                            ("text/plain", "Plain text"),
                        ],
                        max_length=32,
                        verbose_name="kind of file",
                    ),
                ),
                ("size", models.PositiveBigIntegerField(verbose_name="size in bytes")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                (
                    "is_disclosed",
                    models.BooleanField(default=False, verbose_name="shown to the customer"),
                ),
                ("uploaded_at", models.DateTimeField(verbose_name="uploaded")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "appeal",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="compliance.appeal",
                        verbose_name="appeal",
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="compliance.connectionrequest",
                        verbose_name="connection request",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
                (
                    "violation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="compliance.violation",
                        verbose_name="violation",
                    ),
                ),
            ],
            options={
                "verbose_name": "evidence file",
                "verbose_name_plural": "evidence files",
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["account", "-id"], name="compliance__account_a3a900_idx")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("appeal", None), ("connection", None), ("violation__isnull", False)
                            ),
                            models.Q(
                                ("appeal__isnull", False), ("connection", None), ("violation", None)
                            ),
                            models.Q(
                                ("appeal", None), ("connection__isnull", False), ("violation", None)
                            ),
                            _connector="OR",
                        ),
                        name="compliance_evidence_one_owner",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("violation__isnull", False), ("is_disclosed", True), _connector="OR"
                        ),
                        name="compliance_evidence_own_files_shown",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")),
                        name="compliance_evidence_hash_whole",
                    ),
                    models.UniqueConstraint(
                        fields=("violation", "sha256"),
                        name="compliance_evidence_once_per_violation",
                    ),
                    models.UniqueConstraint(
                        fields=("appeal", "sha256"), name="compliance_evidence_once_per_appeal"
                    ),
                    models.UniqueConstraint(
                        fields=("connection", "sha256"),
                        name="compliance_evidence_once_per_connection",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "content_type__in",
                                [
                                    "application/pdf",
                                    "image/png",
                                    "image/jpeg",
                                    "image/gif",
                                    "image/webp",
                                    "image/heic",
                                    "image/avif",
                                    "image/bmp",
                                    "image/tiff",
                                    "audio/mpeg",
                                    "audio/wav",
                                    "audio/ogg",
                                    "audio/amr",
                                    "video/mp4",
                                    "text/plain",
                                ],
                            )
                        ),
                        name="compliance_evidence_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ViolationEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="when")),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("report", "Reported"),
                            ("investigate", "Investigation started"),
                            ("amend", "Record corrected"),
                            ("verify", "Verified as a violation"),
                            ("dismiss", "Dismissed: it was no violation"),
                            ("act", "Measure taken, and notice given"),
                            ("lift", "Suspension lifted"),
                            ("appeal", "Appealed"),
                            ("uphold", "Appeal decided: the violation stands"),
                            ("overturn", "Appeal decided: the violation is overturned"),
                            ("attach_evidence", "Evidence added"),
                            ("disclose_evidence", "Evidence shown to the customer"),
                            ("hide_evidence", "Evidence hidden from the customer"),
                        ],
                        max_length=32,
                        verbose_name="what",
                    ),
                ),
                (
                    "from_state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("reported", "Reported"),
                            ("investigating", "Under investigation"),
                            ("verified", "Verified"),
                            ("dismissed", "Dismissed"),
                            ("actioned", "Measure taken"),
                            ("appealed", "Appealed"),
                            ("upheld", "Upheld after appeal"),
                            ("overturned", "Overturned"),
                        ],
                        max_length=16,
                        verbose_name="from",
                    ),
                ),
                (
                    "to_state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("reported", "Reported"),
                            ("investigating", "Under investigation"),
                            ("verified", "Verified"),
                            ("dismissed", "Dismissed"),
                            ("actioned", "Measure taken"),
                            ("appealed", "Appealed"),
                            ("upheld", "Upheld after appeal"),
                            ("overturned", "Overturned"),
                        ],
                        max_length=16,
                        verbose_name="to",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="why")),
                ("data", models.JSONField(blank=True, default=dict, verbose_name="details")),
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
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
                (
                    "violation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="compliance.violation",
                        verbose_name="violation",
                    ),
                ),
            ],
            options={
                "verbose_name": "history entry",
                "verbose_name_plural": "history",
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        fields=["account", "violation", "id"], name="compliance__account_a34c23_idx"
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rulebook",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="8202faf4aa10ff469e0146209452a7e74933e10a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2848a",
                    table="compliance_rulebook",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rulebook",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="a1080a61483ab1dcf5166de73a310b9aef57a5e2",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_a25b4",
                    table="compliance_rulebook",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="behaviour",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="d60484915473b3789ed396119debfabb99f238a9",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_388c0",
                    table="compliance_behaviour",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="behaviour",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="468878c5c44a0bb8cbf5337833878878a5fe248f",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_09bb2",
                    table="compliance_behaviour",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="connectionrequest",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="0a562fe0b0b1d246c780a811954a14d8cf872a8c",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_f1bda",
                    table="compliance_connectionrequest",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="connectionrequest",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account_application",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.application_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM accounts_application WHERE id = NEW.application_id AND account_id = NEW.account_id\n            ) THEN\n                RAISE EXCEPTION '%: application belongs to another account', TG_TABLE_NAME\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="dd50c8a51524d5b00e145c0bd43a22b0b355a662",
                    operation='INSERT OR UPDATE OF "account_id", "application_id"',
                    pgid="pgtrigger_same_account_application_0a8c3",
                    table="compliance_connectionrequest",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="connectionrequest",
            trigger=pgtrigger.compiler.Trigger(
                name="declaration_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."request_key" IS DISTINCT FROM (NEW."request_key") OR OLD."entry_id" IS DISTINCT FROM (NEW."entry_id") OR OLD."industry_name" IS DISTINCT FROM (NEW."industry_name") OR OLD."scenario_name" IS DISTINCT FROM (NEW."scenario_name") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."direction" IS DISTINCT FROM (NEW."direction") OR OLD."is_cold_calling" IS DISTINCT FROM (NEW."is_cold_calling") OR OLD."number_source" IS DISTINCT FROM (NEW."number_source") OR OLD."number_source_detail" IS DISTINCT FROM (NEW."number_source_detail") OR OLD."consent_proof" IS DISTINCT FROM (NEW."consent_proof") OR OLD."expected_volume" IS DISTINCT FROM (NEW."expected_volume") OR OLD."screening" IS DISTINCT FROM (NEW."screening") OR OLD."submitted_by_id" IS DISTINCT FROM (NEW."submitted_by_id") OR OLD."submitted_at" IS DISTINCT FROM (NEW."submitted_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="190e631a2de5324aaa62361143d71ab5c40a8b28",
                    operation="UPDATE",
                    pgid="pgtrigger_declaration_fixed_51977",
                    table="compliance_connectionrequest",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="violation",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="03a63964a9c5c9486042a224a8a8c8e5207a1d76",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_da179",
                    table="compliance_violation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="violation",
            trigger=pgtrigger.compiler.Trigger(
                name="place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."reported_at" IS DISTINCT FROM (NEW."reported_at") OR OLD."request_key" IS DISTINCT FROM (NEW."request_key"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="6d106fcbdfb6607c5ed5300a70966865863810b3",
                    operation="UPDATE",
                    pgid="pgtrigger_place_fixed_1fb01",
                    table="compliance_violation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="violation",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account_application",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.application_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM accounts_application WHERE id = NEW.application_id AND account_id = NEW.account_id\n            ) THEN\n                RAISE EXCEPTION '%: application belongs to another account', TG_TABLE_NAME\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="b61a3127f49c64d32057b06a72c744541b8012b6",
                    operation='INSERT OR UPDATE OF "account_id", "application_id"',
                    pgid="pgtrigger_same_account_application_56dc7",
                    table="compliance_violation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="violation",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account_connection",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.connection_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM compliance_connectionrequest WHERE id = NEW.connection_id AND account_id = NEW.account_id\n            ) THEN\n                RAISE EXCEPTION '%: connection belongs to another account', TG_TABLE_NAME\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="d6ce0a17f82610d69ed1541fd436fe95b3b65d20",
                    operation='INSERT OR UPDATE OF "account_id", "connection_id"',
                    pgid="pgtrigger_same_account_connection_f666b",
                    table="compliance_violation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="appeal",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="cdc684a369d2c6cad80548759588ddac9ca420c2",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_cec4d",
                    table="compliance_appeal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="appeal",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account_violation",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.violation_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM compliance_violation WHERE id = NEW.violation_id AND account_id = NEW.account_id\n            ) THEN\n                RAISE EXCEPTION '%: violation belongs to another account', TG_TABLE_NAME\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="bf308d00f75d3442f9e9ce0ec63f5b6fb2c478d6",
                    operation='INSERT OR UPDATE OF "account_id", "violation_id"',
                    pgid="pgtrigger_same_account_violation_a5e3d",
                    table="compliance_appeal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="appeal",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."violation_id" IS DISTINCT FROM (NEW."violation_id") OR OLD."round" IS DISTINCT FROM (NEW."round") OR OLD."statement" IS DISTINCT FROM (NEW."statement") OR OLD."submitted_by_id" IS DISTINCT FROM (NEW."submitted_by_id") OR OLD."submitted_at" IS DISTINCT FROM (NEW."submitted_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="4d318f72ce85a0ff1c649ed3e5c85831f2fa02ba",
                    operation="UPDATE",
                    pgid="pgtrigger_statement_fixed_a6d0b",
                    table="compliance_appeal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="792b39645778863fba267c756928bfc6d22b79bb",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_497c6",
                    table="compliance_evidence",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="file_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."public_id" IS DISTINCT FROM (NEW."public_id") OR OLD."violation_id" IS DISTINCT FROM (NEW."violation_id") OR OLD."appeal_id" IS DISTINCT FROM (NEW."appeal_id") OR OLD."connection_id" IS DISTINCT FROM (NEW."connection_id") OR OLD."file" IS DISTINCT FROM (NEW."file") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."content_type" IS DISTINCT FROM (NEW."content_type") OR OLD."size" IS DISTINCT FROM (NEW."size") OR OLD."sha256" IS DISTINCT FROM (NEW."sha256") OR OLD."uploaded_by_id" IS DISTINCT FROM (NEW."uploaded_by_id") OR OLD."uploaded_at" IS DISTINCT FROM (NEW."uploaded_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="a32dd59a7808e0d6c4fc86e39683a3950626af74",
                    operation="UPDATE",
                    pgid="pgtrigger_file_fixed_ec7da",
                    table="compliance_evidence",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account_violation",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.violation_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM compliance_violation WHERE id = NEW.violation_id AND account_id = NEW.account_id\n            ) THEN\n                RAISE EXCEPTION '%: violation belongs to another account', TG_TABLE_NAME\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="47f32c05f0bc4c427dc497ba81aec511c037b36a",
                    operation='INSERT OR UPDATE OF "account_id", "violation_id"',
                    pgid="pgtrigger_same_account_violation_66983",
                    table="compliance_evidence",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account_appeal",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.appeal_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM compliance_appeal WHERE id = NEW.appeal_id AND account_id = NEW.account_id\n            ) THEN\n                RAISE EXCEPTION '%: appeal belongs to another account', TG_TABLE_NAME\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="7beaa124b3efc85e0384e06b68f48c42d6ad2a6d",
                    operation='INSERT OR UPDATE OF "account_id", "appeal_id"',
                    pgid="pgtrigger_same_account_appeal_96de1",
                    table="compliance_evidence",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account_connection",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.connection_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM compliance_connectionrequest WHERE id = NEW.connection_id AND account_id = NEW.account_id\n            ) THEN\n                RAISE EXCEPTION '%: connection belongs to another account', TG_TABLE_NAME\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="e0fc284a20d3bafa3b2c3fd4c5bdf5639e6032d5",
                    operation='INSERT OR UPDATE OF "account_id", "connection_id"',
                    pgid="pgtrigger_same_account_connection_164ee",
                    table="compliance_evidence",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="violationevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="758830ab62ec9138a2ae1fb0c6ce14ff54778994",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_280fe",
                    table="compliance_violationevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="violationevent",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="896c1e5ca8331eee2040d4af6242a543a0457cc8",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_47b47",
                    table="compliance_violationevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="violationevent",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account_violation",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.violation_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM compliance_violation WHERE id = NEW.violation_id AND account_id = NEW.account_id\n            ) THEN\n                RAISE EXCEPTION '%: violation belongs to another account', TG_TABLE_NAME\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="3819c9dbb7cdb4453b2fd840c7ca2e344bb8b9f0",
                    operation='INSERT OR UPDATE OF "account_id", "violation_id"',
                    pgid="pgtrigger_same_account_violation_79979",
                    table="compliance_violationevent",
                    when="BEFORE",
                ),
            ),
        ),
        # Going back leaves the sequences, so no number is ever given out twice.
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS compliance_violation_number_seq START 1000001",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS compliance_connection_number_seq START 1000001",
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(load_rule_book, migrations.RunPython.noop),
        migrations.RunPython(load_screening_table, migrations.RunPython.noop),
        migrations.RunPython(load_flag_words, migrations.RunPython.noop),
    ]
