-- +goose Up

-- latchkey_worker is for a worker that owns nothing: it reads and writes rows, and
-- what is history it cannot change afterwards. Whoever owns the schema migrates.
-- Ingest has no role: it uses no database. As in 00001, a role that may not be made
-- is left out, and the tables work without it; made by hand later, it gets its
-- rights by the block in docs/database.md.
-- +goose StatementBegin
DO $$
DECLARE
    relation record;
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
            CREATE ROLE latchkey_worker NOLOGIN;
        END IF;
    EXCEPTION
        WHEN insufficient_privilege THEN
            RAISE NOTICE 'role latchkey_worker was not created: CREATEROLE is missing';
        WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of this server was migrated at the same moment
    END;
    REVOKE ALL ON passcodes FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        REVOKE ALL ON passcodes FROM latchkey_reader;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        RETURN;
    END IF;
    -- By name: in schema public there may be tables of others.
    FOR relation IN
        SELECT name, CASE kind WHEN 'state' THEN 'SELECT, INSERT, UPDATE, DELETE' WHEN 'history' THEN 'SELECT, INSERT, DELETE' ELSE 'SELECT' END AS rights
        FROM (VALUES ('state', ARRAY['accounts', 'groups', 'hosts', 'meetings', 'passcodes', 'repairs', 'alerts', 'alignments', 'account_calls',
                'policies_seen', 'probes', 'erased_accounts', 'dead_causes', 'holds', 'outbox']),
            ('history', ARRAY['events', 'setting_changes', 'verdicts', 'passcode_changes']),
            ('read', ARRAY['goose_db_version', 'meetings_demanding_passcode', 'unfixable_meetings', 'open_meetings', 'recent_repairs', 'host_forecasts', 'account_troubles'])) AS r (kind, names), unnest(names) AS name
    LOOP
        EXECUTE format('GRANT %s ON %I TO latchkey_worker', relation.rights, relation.name);
    END LOOP;
    IF current_schema() <> 'public' THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO latchkey_worker', current_schema());
    END IF;
    GRANT USAGE ON SEQUENCE alerts_recorded TO latchkey_worker; -- a default's; identity columns need no right
    -- No default privileges: each later migration says who may do what with a table of
    -- its own, and a partition is reached through its table alone.
END
$$;
-- +goose StatementEnd

-- +goose Down
-- The role belongs to the whole server and stays.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        RETURN;
    END IF;
    FOREACH name IN ARRAY ARRAY['accounts', 'groups', 'hosts', 'meetings', 'passcodes', 'repairs', 'alerts', 'alignments', 'account_calls',
        'policies_seen', 'probes', 'erased_accounts', 'dead_causes', 'holds', 'outbox', 'events', 'setting_changes', 'verdicts', 'passcode_changes',
        'goose_db_version', 'meetings_demanding_passcode', 'unfixable_meetings', 'open_meetings', 'recent_repairs', 'host_forecasts', 'account_troubles'] LOOP
        EXECUTE format('REVOKE ALL ON %I FROM latchkey_worker', name);
    END LOOP;
    REVOKE ALL ON SEQUENCE alerts_recorded FROM latchkey_worker;
    IF current_schema() <> 'public' THEN
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM latchkey_worker', current_schema());
    END IF;
END
$$;
-- +goose StatementEnd
