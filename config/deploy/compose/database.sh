#!/bin/sh
# Run once by the image of PostgreSQL, on an empty volume: the console's roles and database.
set -eu
psql --username postgres --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE console LOGIN PASSWORD :'password';
CREATE DATABASE console OWNER console;
\set owner console
\i /docker-entrypoint-initdb.d/roles.sql.in
ALTER ROLE tccc_web PASSWORD :'password';
ALTER ROLE tccc_worker PASSWORD :'password';
SQL
