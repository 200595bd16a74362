-- +goose Up

-- What only grows is in monthly partitions, which a worker makes ahead and drops when
-- they are past their time (LATCHKEY_KEEP_EVENTS, LATCHKEY_KEEP_HISTORY). What is there
-- becomes the first of them as it is.

-- Changes of settings outlive the events that told of them.
ALTER TABLE setting_changes ADD COLUMN account_id text, ADD COLUMN told_at timestamptz;
UPDATE setting_changes c SET account_id = e.account_id, told_at = e.received_at FROM events e WHERE e.event_id = c.event_id;
ALTER TABLE setting_changes DROP CONSTRAINT setting_changes_event_id_fkey;
CREATE INDEX setting_changes_unfilled ON setting_changes (event_id) WHERE account_id IS NULL;
COMMENT ON COLUMN setting_changes.account_id IS 'Of the event that told; null only for moments, where an earlier version of latchkey wrote the row.';
COMMENT ON COLUMN setting_changes.told_at IS 'When that event was received.';

-- +goose StatementBegin
CREATE FUNCTION bound_of(relation regclass, which text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    -- The end of a partition, or the one that a table's CHECK promises.
    SELECT coalesce((SELECT (regexp_match(pg_get_expr(relpartbound, oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz FROM pg_class WHERE oid = relation AND which = 'partition'),
        (SELECT (regexp_match(pg_get_constraintdef(oid), '''([^'']+)'''))[1]::timestamptz FROM pg_constraint WHERE conrelid = relation AND conname = which))
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION bound_of IS 'Where a partition ends.';

ALTER TABLE events RENAME TO events_before;
ALTER INDEX events_of_meeting RENAME TO events_before_of_meeting;
ALTER INDEX events_by_time RENAME TO events_before_by_time;
ALTER TABLE events_before DROP CONSTRAINT events_pkey;
CREATE TABLE events (LIKE events_before INCLUDING DEFAULTS INCLUDING COMMENTS) PARTITION BY RANGE (event_at);
-- The same event has the same id and the same time, so that this holds across partitions.
CREATE UNIQUE INDEX events_once ON events (event_id, event_at);
CREATE INDEX events_of_meeting ON events (meeting_id, recorded_at) WHERE meeting_id IS NOT NULL;
CREATE INDEX events_by_time ON events (recorded_at);
CREATE TABLE events_other PARTITION OF events DEFAULT;
COMMENT ON TABLE events IS 'Every webhook event that was taken in, once. Bodies stay in the NATS stream: they may hold passcodes.';
COMMENT ON COLUMN events.event_at IS 'When it happened, as it says; 1970-01-01: it does not.';
COMMENT ON COLUMN events.event_id IS 'SHA-256 of the body: the same event delivered twice is one row.';

ALTER TABLE verdicts RENAME TO verdicts_before;
ALTER INDEX verdicts_of_meeting RENAME TO verdicts_before_of_meeting;
ALTER TABLE verdicts_before DROP CONSTRAINT verdicts_pkey;
ALTER TABLE verdicts_before RENAME CONSTRAINT verdicts_account_id_meeting_id_fkey TO verdicts_before_account_id_meeting_id_fkey;
CREATE SEQUENCE verdicts_ids;
SELECT setval('verdicts_ids', greatest((SELECT max(id) FROM verdicts_before), 1));
CREATE TABLE verdicts (LIKE verdicts_before INCLUDING DEFAULTS INCLUDING COMMENTS) PARTITION BY RANGE (decided_at);
ALTER TABLE verdicts ALTER COLUMN id SET DEFAULT nextval('verdicts_ids');
ALTER SEQUENCE verdicts_ids OWNED BY verdicts.id;
ALTER TABLE verdicts
    ADD CONSTRAINT verdicts_outcome_check CHECK (outcome IN ('joinable', 'demands_passcode', 'unsecured', 'gone', 'unknown')),
    ADD CONSTRAINT verdicts_remedy_check CHECK (remedy IN ('none', 'clear', 'set', 'secure', 'keep', 'defer', 'impossible'));
CREATE INDEX verdicts_of_meeting ON verdicts (account_id, meeting_id, id);
CREATE TABLE verdicts_other PARTITION OF verdicts DEFAULT;
COMMENT ON TABLE verdicts IS 'The history of a meeting''s verdicts: one row each time it changed.';

-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('ALTER TABLE events ATTACH PARTITION events_before FOR VALUES FROM (MINVALUE) TO (%L)', bound_of('events_before', 'events_until'));
    EXECUTE format('ALTER TABLE verdicts ATTACH PARTITION verdicts_before FOR VALUES FROM (MINVALUE) TO (%L)', bound_of('verdicts_before', 'verdicts_until'));
END
$$;
-- +goose StatementEnd
-- Its rows have what it refers to already; those to come are held to it all the same.
ALTER TABLE verdicts ADD CONSTRAINT verdicts_account_id_meeting_id_fkey FOREIGN KEY (account_id, meeting_id) REFERENCES meetings ON DELETE CASCADE ON UPDATE CASCADE;

-- +goose StatementBegin
CREATE FUNCTION complete_setting_changes() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
    WITH done AS (UPDATE setting_changes c SET account_id = e.account_id, told_at = e.received_at FROM events e WHERE c.account_id IS NULL AND e.event_id = c.event_id RETURNING 1)
    SELECT count(*) FROM done
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION complete_setting_changes IS 'Completes what a version of latchkey that runs beside this one wrote in its own way; returns how many rows.';

-- Workers that do not own the tables may do this and no more.
-- +goose StatementBegin
CREATE FUNCTION make_partitions(as_of timestamptz) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' AS $$
DECLARE
    parent text;
    key text;
    start timestamptz;
    until timestamptz;
    last timestamptz := (date_trunc('month', as_of AT TIME ZONE 'UTC') + interval '4 months') AT TIME ZONE 'UTC';
    name text;
BEGIN
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
COMMENT ON FUNCTION make_partitions IS 'Makes the monthly partitions of events and verdicts up to three months ahead; returns their names.';

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
COMMENT ON FUNCTION drop_partitions IS 'Drops the partitions of events or verdicts that end before a time; returns their names and how many rows they had.';
REVOKE ALL ON FUNCTION make_partitions, drop_partitions, complete_setting_changes FROM PUBLIC;
-- Whoever calls them cannot put a table of their own in the way.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bound_of', 'make_partitions', 'drop_partitions', 'complete_setting_changes'] LOOP
        EXECUTE format('ALTER FUNCTION %I SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END
$$;
-- +goose StatementEnd

SELECT make_partitions(now());

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON events, verdicts TO latchkey_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, INSERT, DELETE ON events, verdicts TO latchkey_worker;
        GRANT EXECUTE ON FUNCTION make_partitions, drop_partitions, complete_setting_changes TO latchkey_worker;
        GRANT USAGE ON SEQUENCE verdicts_ids TO latchkey_worker;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION make_partitions, drop_partitions, complete_setting_changes, bound_of;

ALTER TABLE events RENAME TO events_parts;
ALTER INDEX events_of_meeting RENAME TO events_parts_of_meeting;
ALTER INDEX events_by_time RENAME TO events_parts_by_time;
ALTER INDEX events_once RENAME TO events_parts_once;
CREATE TABLE events (LIKE events_parts INCLUDING DEFAULTS INCLUDING COMMENTS);
INSERT INTO events SELECT DISTINCT ON (event_id) * FROM events_parts ORDER BY event_id, recorded_at;
DROP TABLE events_parts;
ALTER TABLE events ADD PRIMARY KEY (event_id);
UPDATE events SET event_at = received_at WHERE event_at >= (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months') AT TIME ZONE 'UTC' OR event_at IS NULL;
CREATE UNIQUE INDEX events_once_before ON events (event_id, event_at);
CREATE INDEX events_of_meeting ON events (meeting_id, recorded_at) WHERE meeting_id IS NOT NULL;
CREATE INDEX events_by_time ON events (recorded_at);
COMMENT ON TABLE events IS 'Every webhook event that was taken in, once. Bodies stay in the NATS stream: they may hold passcodes.';
COMMENT ON COLUMN events.event_at IS NULL;

ALTER TABLE verdicts RENAME TO verdicts_parts;
ALTER INDEX verdicts_of_meeting RENAME TO verdicts_parts_of_meeting;
CREATE TABLE verdicts (LIKE verdicts_parts INCLUDING COMMENTS INCLUDING CONSTRAINTS);
INSERT INTO verdicts SELECT * FROM verdicts_parts;
ALTER TABLE verdicts ALTER COLUMN reasons SET DEFAULT '[]', ALTER COLUMN why SET DEFAULT '';
DROP TABLE verdicts_parts;
ALTER TABLE verdicts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('verdicts', 'id'), greatest((SELECT max(id) FROM verdicts), 1));
ALTER TABLE verdicts ADD PRIMARY KEY (id), ADD FOREIGN KEY (account_id, meeting_id) REFERENCES meetings ON DELETE CASCADE ON UPDATE CASCADE;
CREATE INDEX verdicts_of_meeting ON verdicts (meeting_id, id);
COMMENT ON TABLE verdicts IS 'The history of a meeting''s verdicts: one row each time it changed.';

-- +goose StatementBegin
DO $$
DECLARE
    until timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format('ALTER TABLE events ADD CONSTRAINT events_until CHECK (event_at IS NOT NULL AND event_at < %L)', until);
    EXECUTE format('ALTER TABLE verdicts ADD CONSTRAINT verdicts_until CHECK (decided_at < %L)', until);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON events, verdicts TO latchkey_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, INSERT, DELETE ON events, verdicts TO latchkey_worker;
    END IF;
END
$$;
-- +goose StatementEnd
DELETE FROM setting_changes c WHERE NOT EXISTS (SELECT FROM events e WHERE e.event_id = c.event_id);
DROP INDEX setting_changes_unfilled;
ALTER TABLE setting_changes DROP COLUMN account_id, DROP COLUMN told_at, ADD FOREIGN KEY (event_id) REFERENCES events ON DELETE CASCADE;
