#!/bin/sh
# Run once by the image of PostgreSQL, on an empty volume: the console's role and database.
set -eu
psql --username postgres --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE console LOGIN PASSWORD :'password';
ALTER ROLE console SET lock_timeout = '2s';
ALTER ROLE console SET idle_in_transaction_session_timeout = '5min';
CREATE DATABASE console OWNER console;
SQL
