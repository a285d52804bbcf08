"""The tables of accounts, and the sequences that UINs and SDKAppIDs are drawn from."""

import django.contrib.postgres.indexes
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import accounts.models.folded


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "email",
                    models.EmailField(max_length=254, unique=True, verbose_name="email address"),
                ),
                ("name", models.CharField(blank=True, max_length=64, verbose_name="name")),
                ("language", models.CharField(blank=True, max_length=10, verbose_name="language")),
                (
                    "theme",
                    models.CharField(
                        choices=[
                            ("auto", "Same as the device"),
                            ("light", "Light"),
                            ("dark", "Dark"),
                        ],
                        default="auto",
                        max_length=8,
                        verbose_name="theme",
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="May sign in to the administration.",
                        verbose_name="staff",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "date_joined",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="joined"),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "indexes": [
                    models.Index(fields=["is_staff", "-id"], name="accounts_user_staff"),
                    models.Index(fields=["is_active", "-id"], name="accounts_user_active"),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("email"), name="text_pattern_ops"
                        ),
                        name="accounts_user_email_begins",
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="text_pattern_ops"
                        ),
                        name="accounts_user_name_begins",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"),
                        name="accounts_user_email_any_case",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Entity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("enterprise", "Enterprise"),
                            ("household", "Individual household"),
                            ("individual", "Individual"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "registration_number",
                    models.CharField(
                        max_length=64, unique=True, verbose_name="registration number"
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
            ],
            options={
                "verbose_name": "company",
                "verbose_name_plural": "companies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["enterprise", "household", "individual"])),
                        name="accounts_entity_kind_known",
                    )
                ],
                "indexes": [
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="text_pattern_ops"
                        ),
                        name="accounts_entity_name_begins",
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("registration_number"),
                            name="text_pattern_ops",
                        ),
                        name="accounts_entity_number_begins",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uin", models.CharField(max_length=12, unique=True, verbose_name="UIN")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("terminated", "Terminated"),
                            ("blocked", "Blocked"),
                        ],
                        default="active",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "entity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="accounts.entity",
                        verbose_name="company",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "indexes": [
                    models.Index(fields=["status", "-id"], name="accounts_account_status"),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="text_pattern_ops"
                        ),
                        name="accounts_account_name_begins",
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("uin"), name="text_pattern_ops"
                        ),
                        name="accounts_account_uin_begins",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("uin__regex", "^[0-9]{12}$")),
                        name="accounts_account_uin_12_digits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["active", "suspended", "terminated", "blocked"])
                        ),
                        name="accounts_account_status_known",
                    ),
                ],
                "permissions": [("restrict_account", "Can suspend, terminate and block accounts")],
            },
        ),
        migrations.CreateModel(
            name="Application",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sdkappid", models.BigIntegerField(unique=True, verbose_name="SDKAppID")),
                ("name", models.CharField(max_length=64, verbose_name="name")),
                ("activated_at", models.DateTimeField(verbose_name="activated")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                ("name_key", accounts.models.folded.FoldedField("name")),
            ],
            options={
                "verbose_name": "application",
                "verbose_name_plural": "applications",
                "indexes": [
                    models.Index(
                        fields=["account", "sdkappid"], name="accounts_ap_account_d24d73_idx"
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="text_pattern_ops"
                        ),
                        name="accounts_app_name_begins",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("sdkappid__gte", 1400000000), ("sdkappid__lte", 9999999999)
                        ),
                        name="accounts_application_sdkappid_10_digits",
                    ),
                    models.UniqueConstraint(
                        fields=("account", "name_key"), name="accounts_application_name_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="when")),
                ("verb", models.CharField(max_length=64, verbose_name="what")),
                ("target_type", models.CharField(max_length=48, verbose_name="object")),
                ("target_id", models.BigIntegerField(verbose_name="object id")),
                (
                    "target_label",
                    models.CharField(blank=True, max_length=200, verbose_name="object name"),
                ),
                ("from_state", models.CharField(blank=True, max_length=32, verbose_name="from")),
                ("to_state", models.CharField(blank=True, max_length=32, verbose_name="to")),
                ("reason", models.TextField(blank=True, verbose_name="why")),
                ("data", models.JSONField(blank=True, default=dict, verbose_name="details")),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="audit_events",
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
            ],
            options={
                "verbose_name": "audit event",
                "verbose_name_plural": "audit trail",
                "indexes": [
                    models.Index(fields=["account", "-id"], name="accounts_audit_account_idx"),
                    models.Index(
                        fields=["target_type", "target_id"], name="accounts_audit_target_idx"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("finance", "Finance"),
                            ("agent_manager", "Agent manager"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=16,
                        verbose_name="role",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="since")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "verbose_name_plural": "members",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "user"), name="accounts_membership_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("role__in", ["owner", "finance", "agent_manager", "viewer"])
                        ),
                        name="accounts_membership_role_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Restriction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("suspend", "Suspend service"),
                            ("terminate", "Terminate service"),
                            ("block", "Block the account"),
                        ],
                        max_length=16,
                        verbose_name="measure",
                    ),
                ),
                ("case_number", models.CharField(max_length=32, verbose_name="case")),
                ("reason", models.TextField(verbose_name="reason")),
                ("started_at", models.DateTimeField(verbose_name="from")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                ("is_annulled", models.BooleanField(default=False, verbose_name="annulled")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="restrictions",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "restriction",
                "verbose_name_plural": "restrictions",
                "indexes": [
                    models.Index(
                        fields=["account", "started_at"], name="accounts_re_account_54c211_idx"
                    ),
                    models.Index(fields=["case_number"], name="accounts_restriction_case_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("account", "case_number"),
                        name="accounts_restriction_one_open_per_case",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("measure__in", ["suspend", "terminate", "block"])),
                        name="accounts_restriction_measure_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None),
                            ("ended_at__gte", models.F("started_at")),
                            _connector="OR",
                        ),
                        name="accounts_restriction_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_annulled", False), ("ended_at__isnull", False), _connector="OR"
                        ),
                        name="accounts_restriction_annulled_has_ended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="email address")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("finance", "Finance"),
                            ("agent_manager", "Agent manager"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=16,
                        verbose_name="role",
                    ),
                ),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("created_at", models.DateTimeField(verbose_name="invited")),
                ("sent_at", models.DateTimeField(verbose_name="last sent")),
                ("expires_at", models.DateTimeField(verbose_name="valid until")),
                (
                    "accepted_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="accepted"),
                ),
                (
                    "withdrawn_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="withdrawn"),
                ),
                (
                    "accepted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="accepted by",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="invited by",
                    ),
                ),
            ],
            options={
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
                "indexes": [models.Index(fields=["email"], name="accounts_invitation_email_idx")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None), ("withdrawn_at", None)),
                        fields=("account", "email"),
                        name="accounts_invitation_one_open_per_address",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("role__in", ["owner", "finance", "agent_manager", "viewer"])
                        ),
                        name="accounts_invitation_role_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("accepted_at", None), ("withdrawn_at", None), _connector="OR"
                        ),
                        name="accounts_invitation_ends_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("accepted_at", None), ("accepted_by", None)),
                            models.Q(
                                ("accepted_at__isnull", False), ("accepted_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="accounts_invitation_accepted_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="accounts_invitation_expires_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=48, verbose_name="kind")),
                ("params", models.JSONField(blank=True, default=dict, verbose_name="details")),
                ("path", models.CharField(blank=True, max_length=200, verbose_name="page")),
                ("dedupe_key", models.CharField(blank=True, max_length=120, verbose_name="key")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="read")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                (
                    "next_attempt_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="next attempt"),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                (
                    "last_error",
                    models.CharField(blank=True, max_length=300, verbose_name="last error"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notifications",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recipient",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
                "indexes": [
                    models.Index(fields=["user", "-id"], name="accounts_notification_user"),
                    models.Index(
                        condition=models.Q(("read_at", None)),
                        fields=["user"],
                        name="accounts_notification_unread",
                    ),
                    models.Index(
                        condition=models.Q(("next_attempt_at__isnull", False)),
                        fields=["next_attempt_at"],
                        name="accounts_notification_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("dedupe_key", ""), _negated=True),
                        fields=("user", "dedupe_key"),
                        name="accounts_notification_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("sent_at", None), ("next_attempt_at", None), _connector="OR"
                        ),
                        name="accounts_notification_sent_is_done",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("read_at", None),
                            ("read_at__gte", models.F("created_at")),
                            _connector="OR",
                        ),
                        name="accounts_notification_read_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PendingAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("entity_name", models.CharField(max_length=200, verbose_name="company name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("enterprise", "Enterprise"),
                            ("household", "Individual household"),
                            ("individual", "Individual"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "registration_number",
                    models.CharField(max_length=64, verbose_name="registration number"),
                ),
                ("account_name", models.CharField(max_length=100, verbose_name="account name")),
                ("created_at", models.DateTimeField(verbose_name="requested")),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pending_account",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "pending account",
                "verbose_name_plural": "pending accounts",
            },
        ),
        migrations.CreateModel(
            name="OutgoingMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=64, verbose_name="kind")),
                ("to", models.EmailField(max_length=254, verbose_name="recipient")),
                ("subject", models.CharField(max_length=255, verbose_name="subject")),
                ("text", models.TextField(blank=True, verbose_name="text")),
                ("html", models.TextField(blank=True, verbose_name="HTML")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("expires_at", models.DateTimeField(verbose_name="obsolete after")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                (
                    "next_attempt_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="next attempt"),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                (
                    "last_error",
                    models.CharField(blank=True, max_length=300, verbose_name="last error"),
                ),
            ],
            options={
                "verbose_name": "sign-in email",
                "verbose_name_plural": "sign-in emails",
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_attempt_at__isnull", False)),
                        fields=["next_attempt_at"],
                        name="accounts_mail_due",
                    ),
                    models.Index(fields=["to", "-id"], name="accounts_mail_to"),
                    models.Index(
                        condition=models.Q(("sent_at", None)),
                        fields=["created_at"],
                        name="accounts_mail_unsent",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("sent_at", None),
                            models.Q(("html", ""), ("next_attempt_at", None), ("text", "")),
                            _connector="OR",
                        ),
                        name="accounts_mail_sent_is_empty",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=48, verbose_name="act")),
                ("target_type", models.CharField(blank=True, max_length=48, verbose_name="object")),
                (
                    "target_id",
                    models.BigIntegerField(blank=True, null=True, verbose_name="object id"),
                ),
                (
                    "payload",
                    models.JSONField(
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name="details",
                    ),
                ),
                ("seen", models.CharField(blank=True, editable=False, max_length=64)),
                ("reason", models.TextField(verbose_name="reason")),
                ("made_at", models.DateTimeField(verbose_name="prepared")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Awaiting approval"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                        ],
                        default="waiting",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided")),
                (
                    "decision_reason",
                    models.TextField(blank=True, verbose_name="reason for the decision"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
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
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="prepared by",
                    ),
                ),
            ],
            options={
                "verbose_name": "proposal",
                "verbose_name_plural": "proposals",
                "indexes": [
                    models.Index(fields=["state", "-id"], name="accounts_proposal_state"),
                    models.Index(fields=["account", "-id"], name="accounts_proposal_account"),
                    models.Index(
                        fields=["target_type", "target_id"], name="accounts_proposal_target"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None), ("decided_by", None), ("state", "waiting")
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("state__in", ["approved", "rejected", "withdrawn"]),
                            ),
                            _connector="OR",
                        ),
                        name="accounts_proposal_decided_or_waiting",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "waiting"),
                            models.Q(("decided_by", models.F("made_by")), ("state", "withdrawn")),
                            models.Q(
                                ("state__in", ["approved", "rejected"]),
                                models.Q(("decided_by", models.F("made_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="accounts_proposal_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="accounts_proposal_has_reason",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="c7941c3c88673f9f4e8ca00cda4d5c890e7dd730",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_a0b21",
                    table="accounts_auditevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditevent",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n",
                    hash="f899fd88f6f9f92925494f13ad050a4111863c3b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_94987",
                    table="accounts_auditevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="stays_as_prepared",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."target_type" IS DISTINCT FROM (NEW."target_type") OR OLD."target_id" IS DISTINCT FROM (NEW."target_id") OR OLD."payload" IS DISTINCT FROM (NEW."payload") OR OLD."seen" IS DISTINCT FROM (NEW."seen") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."made_at" IS DISTINCT FROM (NEW."made_at") OR OLD."made_by_id" IS DISTINCT FROM (NEW."made_by_id") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="4b2b7f42a477c6f197f3b64e99f4feeac8d0aec7",
                    operation="UPDATE",
                    pgid="pgtrigger_stays_as_prepared_0b293",
                    table="accounts_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="692ee5e20b7864bb62aaffd1f99b83c115858c66",
                    operation="DELETE",
                    pgid="pgtrigger_stays_8d96c",
                    table="accounts_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        # Going back leaves the sequences, so no number is ever given out twice.
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
