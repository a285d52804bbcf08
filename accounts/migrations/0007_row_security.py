from django.db import migrations

from accounts.row_policies import RunRules, also_allow, is_named, protect

# Roles belong to the whole server: another database may have made them, or a test that runs beside.
ROLES = """
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['tccc_web', 'tccc_staff', 'tccc_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'The role % is missing, and % may not create it. Let an '
                        'administrator of the server execute config/deploy/roles.sql.',
                        wanted, current_user USING ERRCODE = 'insufficient_privilege';
            END;
        END IF;
        IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', wanted, current_user);
        END IF;
    END LOOP;
    IF NOT pg_has_role('tccc_web', 'tccc_staff', 'MEMBER') THEN
        GRANT tccc_staff TO tccc_web;
    END IF;
END
$$;
"""

# What the roles may do to tables, those of later migrations included. Rows are another matter.
GRANTS = """
GRANT USAGE ON SCHEMA public TO tccc_web, tccc_staff, tccc_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public
    TO tccc_web, tccc_staff, tccc_worker;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO tccc_web, tccc_staff, tccc_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tccc_web, tccc_staff, tccc_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO tccc_web, tccc_staff, tccc_worker;
"""
NO_GRANTS = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    REVOKE ALL ON TABLES FROM tccc_web, tccc_staff, tccc_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    REVOKE ALL ON SEQUENCES FROM tccc_web, tccc_staff, tccc_worker;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM tccc_web, tccc_staff, tccc_worker;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM tccc_web, tccc_staff, tccc_worker;
REVOKE ALL ON SCHEMA public FROM tccc_web, tccc_staff, tccc_worker;
"""

# `tccc_enter` begins a request: it names the person, and the account of this UIN or, without one,
# all accounts, of which the person is a member. The two that read memberships run as the owner.
FUNCTIONS = """
CREATE FUNCTION tccc_accounts() RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('tccc.accounts', true), '')::bigint[]
$$;
CREATE FUNCTION tccc_person() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('tccc.person', true), '')::bigint
$$;
CREATE FUNCTION tccc_memberships(person bigint, account_uin text) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(account.id), '{}')
    FROM accounts_membership membership
    JOIN accounts_account account ON account.id = membership.account_id
    WHERE membership.user_id = person AND (account_uin IS NULL OR account.uin = account_uin)
$$;
CREATE FUNCTION tccc_companies() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(entity_id), '{}') FROM accounts_account
    WHERE id = ANY (tccc_accounts() || tccc_memberships(tccc_person(), NULL))
$$;
CREATE FUNCTION tccc_enter(role_name text, person bigint, account_uin text) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    named bigint[] := tccc_memberships(person, account_uin);
BEGIN
    PERFORM set_config('tccc.person', coalesce(person::text, ''), true),
        set_config('tccc.accounts', named::text, true),
        set_config('role', role_name, true);
    RETURN named;
END
$$;
CREATE FUNCTION tccc_take_role(role_name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    former text := current_setting('role');
BEGIN
    PERFORM set_config('role', role_name, true);
    RETURN former;
END
$$;
CREATE FUNCTION tccc_touch(account_ids bigint[]) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('tccc.accounts', (tccc_accounts() || account_ids)::text, true)
$$;
"""
NO_FUNCTIONS = """
DROP FUNCTION tccc_touch(bigint[]);
DROP FUNCTION tccc_take_role(text);
DROP FUNCTION tccc_enter(text, bigint, text);
DROP FUNCTION tccc_companies();
DROP FUNCTION tccc_memberships(bigint, text);
DROP FUNCTION tccc_person();
DROP FUNCTION tccc_accounts();
"""

IS_OWN = "user_id = (SELECT tccc_person())"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_exports")]

    operations = [
        # Kept on the way back: other databases of the server may use them.
        RunRules(ROLES, RunRules.noop),
        RunRules(GRANTS, NO_GRANTS),
        RunRules(FUNCTIONS, NO_FUNCTIONS),
        protect("accounts_account", is_named("id")),
        also_allow(
            "accounts_account",
            "member",
            "id = ANY ((SELECT tccc_memberships(tccc_person(), NULL))::bigint[])",
        ),
        protect("accounts_entity", "false"),
        also_allow("accounts_entity", "company", "id = ANY ((SELECT tccc_companies())::bigint[])"),
        protect("accounts_membership"),
        also_allow("accounts_membership", "own", IS_OWN),
        protect("accounts_notification"),
        also_allow("accounts_notification", "own", IS_OWN, "ALL"),
        protect("accounts_auditevent"),
        # What a person did to themselves is of no account.
        also_allow("accounts_auditevent", "person", "account_id IS NULL", "INSERT"),
        protect("accounts_application"),
        protect("accounts_export"),
        protect("accounts_invitation"),
        protect("accounts_proposal"),
        protect("accounts_restriction"),
    ]
