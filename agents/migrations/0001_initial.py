"""The tables of agents."""

import django.db.models.deletion
import django.db.models.functions.comparison
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import accounts.models.folded


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("billing", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SkillGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64, verbose_name="name")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="skill_groups",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="skill_groups",
                        to="accounts.application",
                        verbose_name="application",
                    ),
                ),
                ("name_key", accounts.models.folded.FoldedField("name")),
            ],
            options={
                "verbose_name": "skill group",
                "verbose_name_plural": "skill groups",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True),
                        name="agents_skill_group_name_filled",
                    ),
                    models.UniqueConstraint(
                        fields=("account", "application", "name_key"),
                        name="agents_skill_group_name_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AgentImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file_name", models.CharField(max_length=200, verbose_name="file")),
                ("content", models.BinaryField(null=True, verbose_name="content")),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("add", "Add new agents only (existing staff numbers are rejected)"),
                            (
                                "update",
                                "Add new agents and update existing ones by staff number",
                            ),
                        ],
                        max_length=8,
                        verbose_name="mode",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("sent", "Not checked yet"),
                            ("faulty", "Has problems"),
                            ("checked", "Ready"),
                            ("done", "Imported"),
                        ],
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0, verbose_name="rows")),
                ("done", models.PositiveIntegerField(default=0, verbose_name="rows processed")),
                ("problems", models.JSONField(default=list, verbose_name="problems")),
                ("preview", models.JSONField(default=dict, verbose_name="preview")),
                ("created_at", models.DateTimeField(verbose_name="sent")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agent_imports",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agent_imports",
                        to="accounts.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by",
                    ),
                ),
                (
                    "written",
                    models.PositiveIntegerField(
                        db_default=0, default=0, verbose_name="rows imported"
                    ),
                ),
                (
                    "added",
                    models.PositiveIntegerField(
                        db_default=0, default=0, verbose_name="agents added"
                    ),
                ),
            ],
            options={
                "verbose_name": "import of agents",
                "verbose_name_plural": "imports of agents",
                "indexes": [
                    models.Index(
                        fields=["account", "application", "-id"],
                        name="agents_agen_account_594102_idx",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("mode__in", ["add", "update"]),
                            ("status__in", ["sent", "faulty", "checked", "done"]),
                        ),
                        name="agents_import_words_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", False), ("status", "done")),
                            models.Q(
                                models.Q(("status", "done"), _negated=True), ("finished_at", None)
                            ),
                            _connector="OR",
                        ),
                        name="agents_import_finished_when_done",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("done__lte", models.F("total"))),
                        name="agents_import_done_within_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("added__lte", models.F("written")), ("written__lte", models.F("total"))
                        ),
                        name="agents_import_written_within_total",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Agent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64, verbose_name="name")),
                ("nickname", models.CharField(max_length=64, verbose_name="nickname")),
                ("staff_number", models.CharField(max_length=32, verbose_name="staff number")),
                ("email", models.EmailField(max_length=254, verbose_name="email address")),
                ("phone", models.CharField(blank=True, max_length=16, verbose_name="phone")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("administrator", "Administrator"),
                            ("inspector", "Quality inspector"),
                            ("agent", "Agent"),
                        ],
                        default="agent",
                        max_length=16,
                        verbose_name="role",
                    ),
                ),
                ("extension", models.CharField(blank=True, max_length=6, verbose_name="extension")),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("created_at", models.DateTimeField(verbose_name="added")),
                ("updated_at", models.DateTimeField(verbose_name="changed")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agents",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agents",
                        to="accounts.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "license",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agent",
                        to="billing.license",
                        verbose_name="license",
                    ),
                ),
                ("name_key", accounts.models.folded.FoldedField("name")),
                ("staff_number_key", accounts.models.folded.FoldedField("staff_number")),
                ("email_key", accounts.models.folded.EmailKeyField("email")),
            ],
            options={
                "verbose_name": "agent",
                "verbose_name_plural": "agents",
                "indexes": [
                    models.Index(
                        models.F("account"),
                        models.F("application"),
                        django.db.models.functions.comparison.Collate("extension", "C"),
                        models.F("id"),
                        name="agents_agent_extension_idx",
                    ),
                    models.Index(
                        fields=["account", "application", "id"], name="agents_agent_added_idx"
                    ),
                    models.Index(
                        fields=["account", "application", "role"], name="agents_agent_role_idx"
                    ),
                    models.Index(
                        condition=models.Q(("is_enabled", False)),
                        fields=["account", "application", "id"],
                        name="agents_agent_disabled_idx",
                    ),
                    models.Index(
                        fields=["account", "application", "license"],
                        name="agents_agent_license_idx",
                    ),
                    models.Index(
                        fields=["account", "application", "name_key", "id"],
                        name="agents_agent_name_idx",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("extension", ""), _negated=True),
                        fields=("account", "application", "extension"),
                        name="agents_agent_extension_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("name", ""), _negated=True),
                            models.Q(("nickname", ""), _negated=True),
                            models.Q(("staff_number", ""), _negated=True),
                            models.Q(("email", ""), _negated=True),
                        ),
                        name="agents_agent_fields_filled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("extension", ""),
                            ("extension__regex", "^[1-8][0-9]{3,5}$"),
                            _connector="OR",
                        ),
                        name="agents_agent_extension_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("phone", ""),
                            ("phone__regex", "^\\+[1-9][0-9]{5,14}$"),
                            _connector="OR",
                        ),
                        name="agents_agent_phone_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["administrator", "inspector", "agent"])),
                        name="agents_agent_role_known",
                    ),
                    models.UniqueConstraint(
                        fields=("account", "application", "staff_number_key"),
                        name="agents_agent_staff_number_once",
                    ),
                    models.UniqueConstraint(
                        fields=("account", "application", "email_key"),
                        name="agents_agent_email_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SkillGroupMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="group_memberships",
                        to="agents.agent",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="agents.skillgroup",
                    ),
                ),
            ],
            options={
                "verbose_name": "skill group member",
                "verbose_name_plural": "skill group members",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("group", "agent"), name="agents_group_member_once"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="agent",
            name="groups",
            field=models.ManyToManyField(
                blank=True,
                related_name="agents",
                through="agents.SkillGroupMember",
                to="agents.skillgroup",
                verbose_name="skill groups",
            ),
        ),
        migrations.CreateModel(
            name="SipTelephone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(max_length=64, verbose_name="name")),
                ("extension", models.CharField(max_length=6, verbose_name="extension")),
                ("password", models.CharField(max_length=128, verbose_name="password hash")),
                ("password_set_at", models.DateTimeField(verbose_name="password set")),
                ("created_at", models.DateTimeField(verbose_name="registered")),
                ("updated_at", models.DateTimeField(verbose_name="changed")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sip_telephones",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "agent",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="telephone",
                        to="agents.agent",
                        verbose_name="agent",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sip_telephones",
                        to="accounts.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "license",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="telephone",
                        to="billing.license",
                        verbose_name="license",
                    ),
                ),
            ],
            options={
                "verbose_name": "SIP telephone",
                "verbose_name_plural": "SIP telephones",
                "indexes": [
                    models.Index(
                        fields=["account", "application", "license"],
                        name="agents_telephone_license_idx",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("account"),
                        models.F("application"),
                        django.db.models.functions.comparison.Collate("extension", "C"),
                        name="agents_telephone_extension_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("extension__regex", "^[1-8][0-9]{3,5}$")),
                        name="agents_telephone_extension_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("label", ""), _negated=True),
                            models.Q(("password", ""), _negated=True),
                        ),
                        name="agents_telephone_fields_filled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("agent", None), ("license__isnull", False), _connector="OR"
                        ),
                        name="agents_telephone_bound_has_license",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="skillgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="373e812646ecf2df9706b924f3a3b30558d9acc5",
                    operation="UPDATE",
                    pgid="pgtrigger_place_fixed_bca12",
                    table="agents_skillgroup",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="skillgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        IF NOT EXISTS (SELECT FROM accounts_application\n                       WHERE id = NEW.application_id AND account_id = NEW.account_id) THEN\n            RAISE EXCEPTION '% % and its application belong to different accounts',\n                TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation';\n        END IF;\n        RETURN NEW;\n    ",
                    hash="4b7cfdbd01207924202e7323926e8618765c650c",
                    operation="INSERT",
                    pgid="pgtrigger_same_account_08ff0",
                    table="agents_skillgroup",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agentimport",
            trigger=pgtrigger.compiler.Trigger(
                name="place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="ccc0eb3e4a9299cab61d69344fcb9763cbe25615",
                    operation="UPDATE",
                    pgid="pgtrigger_place_fixed_2b3f4",
                    table="agents_agentimport",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agentimport",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        IF NOT EXISTS (SELECT FROM accounts_application\n                       WHERE id = NEW.application_id AND account_id = NEW.account_id) THEN\n            RAISE EXCEPTION '% % and its application belong to different accounts',\n                TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation';\n        END IF;\n        RETURN NEW;\n    ",
                    hash="f7afab2bbd064671e3eb50c4c9cde170475d3bda",
                    operation="INSERT",
                    pgid="pgtrigger_same_account_ac516",
                    table="agents_agentimport",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agent",
            trigger=pgtrigger.compiler.Trigger(
                name="place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="2d073b0f6479416ab82237828d3810a19433cb75",
                    operation="UPDATE",
                    pgid="pgtrigger_place_fixed_b3fe0",
                    table="agents_agent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agent",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        IF NOT EXISTS (SELECT FROM accounts_application\n                       WHERE id = NEW.application_id AND account_id = NEW.account_id) THEN\n            RAISE EXCEPTION '% % and its application belong to different accounts',\n                TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation';\n        END IF;\n        RETURN NEW;\n    ",
                    hash="9938ff0af66fd77a619f5c9bcc77c9f8e1bfb6c3",
                    operation="INSERT",
                    pgid="pgtrigger_same_account_78b74",
                    table="agents_agent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agent",
            trigger=pgtrigger.compiler.Trigger(
                name="fitting_license",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.license_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM billing_license l JOIN billing_package p ON p.id = l.package_id\n                WHERE l.id = NEW.license_id AND l.kind = 'agent'\n                  AND p.application_id = NEW.application_id) THEN\n                RAISE EXCEPTION 'license % does not fit % %',\n                    NEW.license_id, TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="861d1778549e39dcbc42604dd61359720597b53e",
                    operation='INSERT OR UPDATE OF "license_id"',
                    pgid="pgtrigger_fitting_license_4015c",
                    table="agents_agent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agent",
            trigger=pgtrigger.compiler.Trigger(
                name="number_free",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.extension <> '' THEN\n                PERFORM FROM accounts_application WHERE id = NEW.application_id\n                    FOR NO KEY UPDATE;\n                IF EXISTS (SELECT FROM agents_siptelephone\n                           WHERE account_id = NEW.account_id\n                             AND application_id = NEW.application_id\n                             AND extension = NEW.extension) THEN\n                    RAISE EXCEPTION 'extension % is taken in agents_siptelephone', NEW.extension\n                        USING ERRCODE = 'unique_violation', CONSTRAINT = 'agents_extension_shared';\n                END IF;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="48319e117dcfed5d66ffea95c49db3c614fd0e66",
                    operation='INSERT OR UPDATE OF "extension"',
                    pgid="pgtrigger_number_free_6435d",
                    table="agents_agent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="skillgroupmember",
            trigger=pgtrigger.compiler.Trigger(
                name="same_application",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NOT EXISTS (\n                        SELECT FROM agents_agent a\n                        JOIN agents_skillgroup g ON g.application_id = a.application_id\n                        WHERE a.id = NEW.agent_id AND g.id = NEW.group_id\n                          AND g.account_id = NEW.account_id) THEN\n                        RAISE EXCEPTION 'agent % and skill group % are of different applications',\n                            NEW.agent_id, NEW.group_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="587e3073d3e755f8f69ae49fbdd1b93aa2af28be",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_same_application_a758e",
                    table="agents_skillgroupmember",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="siptelephone",
            trigger=pgtrigger.compiler.Trigger(
                name="place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="f3d1cdcd055a98063b2c84a939618333fa943380",
                    operation="UPDATE",
                    pgid="pgtrigger_place_fixed_58fb8",
                    table="agents_siptelephone",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="siptelephone",
            trigger=pgtrigger.compiler.Trigger(
                name="same_account",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        IF NOT EXISTS (SELECT FROM accounts_application\n                       WHERE id = NEW.application_id AND account_id = NEW.account_id) THEN\n            RAISE EXCEPTION '% % and its application belong to different accounts',\n                TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation';\n        END IF;\n        RETURN NEW;\n    ",
                    hash="ece4fb73d1f55a6f9032075d76ee811c05fa414e",
                    operation="INSERT",
                    pgid="pgtrigger_same_account_1e5ab",
                    table="agents_siptelephone",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="siptelephone",
            trigger=pgtrigger.compiler.Trigger(
                name="fitting_license",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.license_id IS NOT NULL AND NOT EXISTS (\n                SELECT FROM billing_license l JOIN billing_package p ON p.id = l.package_id\n                WHERE l.id = NEW.license_id AND l.kind = 'sip'\n                  AND p.application_id = NEW.application_id) THEN\n                RAISE EXCEPTION 'license % does not fit % %',\n                    NEW.license_id, TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="a117120aa5429bce5c284e5c4a24b1f2b31e2ee3",
                    operation='INSERT OR UPDATE OF "license_id"',
                    pgid="pgtrigger_fitting_license_7d567",
                    table="agents_siptelephone",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="siptelephone",
            trigger=pgtrigger.compiler.Trigger(
                name="number_free",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.extension <> '' THEN\n                PERFORM FROM accounts_application WHERE id = NEW.application_id\n                    FOR NO KEY UPDATE;\n                IF EXISTS (SELECT FROM agents_agent\n                           WHERE account_id = NEW.account_id\n                             AND application_id = NEW.application_id\n                             AND extension = NEW.extension) THEN\n                    RAISE EXCEPTION 'extension % is taken in agents_agent', NEW.extension\n                        USING ERRCODE = 'unique_violation', CONSTRAINT = 'agents_extension_shared';\n                END IF;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="7e554d59a83bcf7cbec76e8247c21df7b13488af",
                    operation='INSERT OR UPDATE OF "extension"',
                    pgid="pgtrigger_number_free_de95c",
                    table="agents_siptelephone",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="siptelephone",
            trigger=pgtrigger.compiler.Trigger(
                name="same_application",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NEW.agent_id IS NOT NULL AND NOT EXISTS (\n                        SELECT FROM agents_agent WHERE id = NEW.agent_id\n                        AND application_id = NEW.application_id) THEN\n                        RAISE EXCEPTION 'agent % and telephone % are of different applications',\n                            NEW.agent_id, NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="a8ecd41bcd6a49efd1c16a05560755dcb2f895c6",
                    operation='INSERT OR UPDATE OF "agent_id"',
                    pgid="pgtrigger_same_application_449c2",
                    table="agents_siptelephone",
                    when="BEFORE",
                ),
            ),
        ),
    ]
