-- +goose Up

-- Retention goes on whatever one table is locked by, says when it last succeeded, and
-- what a login may ask of it has bounds.

CREATE TABLE retention (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    done_at timestamptz NOT NULL DEFAULT now(),
    error   text NOT NULL DEFAULT ''
);
INSERT INTO retention DEFAULT VALUES;
COMMENT ON TABLE retention IS 'One row: how dropping what is past its time goes. Whoever drops holds its lock.';
COMMENT ON COLUMN retention.done_at IS 'When all of it was last dropped without an error.';
COMMENT ON COLUMN retention.error IS 'Why the last look did not get everywhere; empty: it did.';

COMMENT ON COLUMN events.event_id IS 'SHA-256 of the body: the same event delivered twice is one row. Where it does not say when it happened, of the delivery''s timestamp too, since two such events can have the same body: each delivery of it is a row of its own.';

DROP FUNCTION drop_partitions(text, timestamptz);
-- +goose StatementBegin
CREATE FUNCTION drop_partitions(parent text, before timestamptz) RETURNS TABLE (name text, rows bigint, dropped boolean) LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '300ms' AS $$
DECLARE
    recorded text;
    young boolean;
BEGIN
    IF parent NOT IN ('events', 'verdicts') THEN
        RAISE EXCEPTION 'no partitions of % are dropped: want events or verdicts', parent;
    END IF;
    -- What is asked by a mistake or in malice takes nothing that is young.
    IF (before <= now() - interval '1 day') IS NOT TRUE AND NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = parent::regclass), 'USAGE') THEN
        RAISE EXCEPTION 'nothing that is younger than a day is dropped for %: it does not own %', session_user, parent;
    END IF;
    recorded := CASE parent WHEN 'events' THEN 'recorded_at' ELSE 'decided_at' END;
    FOR name IN SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = parent::regclass AND bound_of(c.oid, 'partition') <= before ORDER BY bound_of(c.oid, 'partition') LOOP
        -- What says that it happened long ago may have come lately.
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I >= %L)', name, recorded, before) INTO young;
        dropped := NOT young;
        IF young THEN
            EXECUTE format('DELETE FROM %I WHERE ctid = ANY (ARRAY(SELECT ctid FROM %1$I WHERE %I < %L LIMIT 10000))', name, recorded, before);
            GET DIAGNOSTICS rows = ROW_COUNT;
            CONTINUE WHEN rows = 0;
        ELSE
            EXECUTE format('SELECT count(*) FROM %I', name) INTO rows;
            EXECUTE format('DROP TABLE %I', name);
        END IF;
        RETURN NEXT;
        RETURN;
    END LOOP;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION drop_partitions IS 'Drops the oldest partition of events or verdicts that ends before a time, or of one that holds what came later some of the rest; returns its name, how many rows went, and whether it is dropped. No row: there is nothing more to drop.';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION make_partitions(as_of timestamptz) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '300ms' AS $$
DECLARE
    parent text;
    key text;
    start timestamptz;
    until timestamptz;
    last timestamptz;
    name text;
BEGIN
    IF (as_of BETWEEN now() - interval '10 years' AND now() + interval '10 years') IS NOT TRUE
        OR as_of > now() + interval '1 day' AND NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'events'::regclass), 'USAGE') THEN
        RAISE EXCEPTION 'no partitions are made as of % for %', as_of, session_user;
    END IF;
    last := (date_trunc('month', as_of AT TIME ZONE 'UTC') + interval '4 months') AT TIME ZONE 'UTC';
    FOR parent, key IN VALUES ('events', 'event_at'), ('verdicts', 'decided_at') LOOP
        SELECT max(bound_of(inhrelid::regclass, 'partition')) INTO start FROM pg_inherits WHERE inhparent = parent::regclass;
        start := coalesce(start, date_trunc('month', as_of AT TIME ZONE 'UTC') AT TIME ZONE 'UTC');
        WHILE start < last LOOP
            until := (start AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
            name := parent || to_char(start AT TIME ZONE 'UTC', '_YYYY_MM');
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
            -- What came while there was no partition for it.
            EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %2$I < %4$L RETURNING *) INSERT INTO %5$I SELECT * FROM moved', parent || '_other', key, start, until, name);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, start, until);
            RETURN NEXT name;
            start := until;
        END LOOP;
    END LOOP;
END
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION drop_partitions, make_partitions FROM PUBLIC;
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['make_partitions', 'drop_partitions'] LOOP
        EXECUTE format('ALTER FUNCTION %I SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, UPDATE ON retention TO latchkey_worker;
        GRANT EXECUTE ON FUNCTION make_partitions, drop_partitions TO latchkey_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON retention TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION drop_partitions(text, timestamptz);
-- +goose StatementBegin
CREATE FUNCTION drop_partitions(parent text, before timestamptz) RETURNS TABLE (name text, rows bigint) LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' AS $$
BEGIN
    IF parent NOT IN ('events', 'verdicts') THEN
        RAISE EXCEPTION 'no partitions of % are dropped: want events or verdicts', parent;
    END IF;
    FOR name IN SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = parent::regclass AND bound_of(c.oid, 'partition') <= before ORDER BY relname LOOP
        EXECUTE format('SELECT count(*) FROM %I', name) INTO rows;
        EXECUTE format('DROP TABLE %I', name);
        RETURN NEXT;
    END LOOP;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION drop_partitions FROM PUBLIC;
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION drop_partitions SET search_path = %I, pg_temp', current_schema());
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT EXECUTE ON FUNCTION drop_partitions TO latchkey_worker;
    END IF;
END
$$;
-- +goose StatementEnd
COMMENT ON COLUMN events.event_id IS 'SHA-256 of the body: the same event delivered twice is one row.';
COMMENT ON FUNCTION drop_partitions IS 'Drops the partitions of events or verdicts that end before a time; returns their names and how many rows they had.';
DROP TABLE retention;
