-- The roles of row-level security, made once on each PostgreSQL server by its administrator:
--   psql --dbname=postgres --set=owner=console --file=config/deploy/roles.sql
-- `owner` is the role that owns the console's database and migrates (DATABASE_OWNER_URL). Then give
-- passwords to those that log in: \password tccc_web and \password tccc_worker.

-- Web processes log in as it. It reaches the rows of the accounts that a request names.
CREATE ROLE tccc_web LOGIN NOINHERIT;
-- Requests of the administration take this role for their transaction.
CREATE ROLE tccc_staff NOLOGIN NOINHERIT;
GRANT tccc_staff TO tccc_web;
-- Workers and commands log in as it.
CREATE ROLE tccc_worker LOGIN NOINHERIT;

-- Through PgBouncer in transaction mode, no connection can set these for itself.
ALTER ROLE tccc_web SET lock_timeout = '2s';
ALTER ROLE tccc_web SET idle_in_transaction_session_timeout = '5min';
ALTER ROLE tccc_worker SET idle_in_transaction_session_timeout = '5min';

-- The owner may grant the three their rights, and act as them.
GRANT tccc_web, tccc_staff, tccc_worker TO :"owner";
