-- +goose Up

CREATE TABLE accounts (
    account_id text PRIMARY KEY,
    plan       text NOT NULL DEFAULT '' CHECK (plan IN ('', 'free', 'pro_single_host', 'paid')),
    locks      jsonb NOT NULL DEFAULT '{}',
    read_at    timestamptz
);
COMMENT ON TABLE accounts IS 'Zoom accounts and what they lock for everybody in them.';
COMMENT ON COLUMN accounts.plan IS 'As far as it decides about passcodes; empty: not learned yet.';
COMMENT ON COLUMN accounts.locks IS 'Per setting "on" (locked), "off" (not locked) or absent (Zoom did not say).';
COMMENT ON COLUMN accounts.read_at IS 'When Zoom was last asked; null: never, or known to be out of date.';

CREATE TABLE groups (
    group_id   text PRIMARY KEY,
    account_id text NOT NULL,
    locks      jsonb NOT NULL DEFAULT '{}',
    read_at    timestamptz
);
COMMENT ON TABLE groups IS 'Zoom groups and what they lock for their members.';
COMMENT ON COLUMN groups.locks IS 'Per setting "on" (locked), "off" (not locked) or absent (Zoom did not say).';
COMMENT ON COLUMN groups.read_at IS 'When Zoom was last asked; null: never, or known to be out of date.';

CREATE TABLE hosts (
    host_id     text PRIMARY KEY,
    account_id  text NOT NULL,
    email       text NOT NULL DEFAULT '',
    group_ids   text[] NOT NULL DEFAULT '{}',
    settings    jsonb NOT NULL DEFAULT '{}',
    read_at     timestamptz,
    changed_at  timestamptz,
    held_until  timestamptz,
    due_at      timestamptz,
    due_why     text NOT NULL DEFAULT '',
    generation  bigint NOT NULL DEFAULT 0,
    lease_owner text,
    lease_until timestamptz,
    attempts    int NOT NULL DEFAULT 0,
    last_error  text NOT NULL DEFAULT ''
);
CREATE INDEX hosts_due ON hosts (due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE hosts IS 'Zoom users who host meetings, with the settings that hold for them.';
COMMENT ON COLUMN hosts.settings IS 'Effective value per setting, "on" or "off"; absent: Zoom did not say.';
COMMENT ON COLUMN hosts.read_at IS 'When settings and groups were last read; null: never, or known to be out of date.';
COMMENT ON COLUMN hosts.changed_at IS 'When Zoom last told of a change of this host''s settings.';
COMMENT ON COLUMN hosts.held_until IS 'Zoom''s 100 meeting changes of this host and UTC day are used up until then.';
COMMENT ON COLUMN hosts.due_at IS 'When the host''s upcoming meetings are to be listed next; null: not due.';
COMMENT ON COLUMN hosts.generation IS 'Counts what made it due, so that a change arriving during the work is not lost.';

CREATE TABLE meetings (
    meeting_id        bigint PRIMARY KEY CHECK (meeting_id > 0),
    account_id        text NOT NULL,
    host_id           text NOT NULL DEFAULT '',
    uuid              text NOT NULL DEFAULT '',
    topic             text NOT NULL DEFAULT '',
    type              int NOT NULL DEFAULT 0,
    start_time        timestamptz,
    ends_at           timestamptz,
    uses_pmi          boolean NOT NULL DEFAULT false,
    status            text NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'started', 'ended', 'deleted')),
    passcode          text NOT NULL DEFAULT 'unknown' CHECK (passcode IN ('unknown', 'off', 'on')),
    passcode_readable boolean NOT NULL DEFAULT false,
    waiting_room      text NOT NULL DEFAULT 'unknown' CHECK (waiting_room IN ('unknown', 'off', 'on')),
    authentication    text NOT NULL DEFAULT 'unknown' CHECK (authentication IN ('unknown', 'off', 'on')),
    observed_at       timestamptz,
    must_read         boolean NOT NULL DEFAULT true,
    outcome           text CHECK (outcome IN ('joinable', 'demands_passcode', 'unknown')),
    remedy            text CHECK (remedy IN ('none', 'clear', 'set', 'keep', 'defer', 'impossible')),
    reasons           jsonb NOT NULL DEFAULT '[]',
    why               text NOT NULL DEFAULT '',
    decided_at        timestamptz,
    demanding_since   timestamptz,
    overwritten_under text NOT NULL DEFAULT '',
    due_at            timestamptz,
    due_why           text NOT NULL DEFAULT '',
    generation        bigint NOT NULL DEFAULT 0,
    lease_owner       text,
    lease_until       timestamptz,
    attempts          int NOT NULL DEFAULT 0,
    last_error        text NOT NULL DEFAULT ''
);
CREATE INDEX meetings_due ON meetings (start_time NULLS FIRST, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX meetings_of_host ON meetings (host_id) WHERE status IN ('scheduled', 'started');
COMMENT ON TABLE meetings IS 'Every meeting latchkey heard of: what was seen of it, the verdict, and when it is to be checked next.';
COMMENT ON COLUMN meetings.ends_at IS 'Planned end of the last occurrence; null: no fixed end.';
COMMENT ON COLUMN meetings.passcode IS 'Whether the meeting has a passcode. The passcode itself is in table passcodes only.';
COMMENT ON COLUMN meetings.passcode_readable IS 'Zoom showed the passcode, so table passcodes holds it.';
COMMENT ON COLUMN meetings.observed_at IS 'When the state above was seen at Zoom.';
COMMENT ON COLUMN meetings.must_read IS 'The state may be out of date: Zoom is asked before anything is decided.';
COMMENT ON COLUMN meetings.outcome IS 'What a joiner who types the meeting number meets; null: not decided yet.';
COMMENT ON COLUMN meetings.remedy IS 'What was to be done about it.';
COMMENT ON COLUMN meetings.reasons IS 'The evidence as data: setting, level, value, who locks it.';
COMMENT ON COLUMN meetings.why IS 'The evidence as one sentence.';
COMMENT ON COLUMN meetings.demanding_since IS 'Since when it is known to demand a passcode; null: it does not.';
COMMENT ON COLUMN meetings.overwritten_under IS 'The facts under which Zoom put a passcode back on; not tried again until they change.';
COMMENT ON COLUMN meetings.due_at IS 'When it is to be checked next; null: not due.';
COMMENT ON COLUMN meetings.generation IS 'Counts what made it due, so that a change arriving during a check is not lost.';
COMMENT ON COLUMN meetings.lease_until IS 'A worker is checking it until then; past: that worker died.';

CREATE TABLE passcodes (
    meeting_id bigint PRIMARY KEY REFERENCES meetings ON DELETE CASCADE,
    passcode   text NOT NULL,
    source     text NOT NULL CHECK (source IN ('zoom')),
    seen_at    timestamptz NOT NULL
);
COMMENT ON TABLE passcodes IS 'The only place where a passcode is stored. Readable by role latchkey_passcodes, not by latchkey_reader.';

CREATE TABLE events (
    event_id    text PRIMARY KEY,
    account_id  text NOT NULL,
    event       text NOT NULL,
    event_at    timestamptz,
    received_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    request_id  text NOT NULL DEFAULT '',
    meeting_id  bigint,
    host_id     text NOT NULL DEFAULT '',
    operator    text NOT NULL DEFAULT ''
);
CREATE INDEX events_of_meeting ON events (meeting_id, recorded_at) WHERE meeting_id IS NOT NULL;
CREATE INDEX events_by_time ON events (recorded_at);
COMMENT ON TABLE events IS 'Every webhook event that was taken in, once. Bodies stay in the NATS stream: they may hold passcodes.';
COMMENT ON COLUMN events.event_id IS 'SHA-256 of the body: the same event delivered twice is one row.';

CREATE TABLE setting_changes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id   text NOT NULL REFERENCES events ON DELETE CASCADE,
    level      text NOT NULL CHECK (level IN ('host', 'group', 'account')),
    level_id   text NOT NULL,
    setting    text NOT NULL,
    old_value  text NOT NULL CHECK (old_value IN ('unknown', 'off', 'on')),
    new_value  text NOT NULL CHECK (new_value IN ('unknown', 'off', 'on')),
    changed_by text NOT NULL DEFAULT '',
    changed_at timestamptz
);
CREATE INDEX setting_changes_of ON setting_changes (level_id, id);
COMMENT ON TABLE setting_changes IS 'Who changed which setting that decides about passcodes, as Zoom told.';

CREATE TABLE verdicts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meeting_id bigint NOT NULL REFERENCES meetings ON DELETE CASCADE,
    outcome    text NOT NULL CHECK (outcome IN ('joinable', 'demands_passcode', 'unknown')),
    remedy     text NOT NULL CHECK (remedy IN ('none', 'clear', 'set', 'keep', 'defer', 'impossible')),
    reasons    jsonb NOT NULL DEFAULT '[]',
    why        text NOT NULL DEFAULT '',
    decided_at timestamptz NOT NULL
);
CREATE INDEX verdicts_of_meeting ON verdicts (meeting_id, id);
COMMENT ON TABLE verdicts IS 'The history of a meeting''s verdicts: one row each time it changed.';

CREATE TABLE repairs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meeting_id bigint NOT NULL REFERENCES meetings ON DELETE CASCADE,
    host_id    text NOT NULL,
    remedy     text NOT NULL CHECK (remedy IN ('clear', 'set')),
    result     text NOT NULL DEFAULT 'unfinished' CHECK (result IN ('unfinished', 'held', 'overwritten', 'refused', 'abandoned')),
    reasons    jsonb NOT NULL DEFAULT '[]',
    why        text NOT NULL DEFAULT '',
    detail     text NOT NULL DEFAULT '',
    zoom_calls int NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX repairs_of_meeting ON repairs (meeting_id, id);
CREATE INDEX repairs_by_time ON repairs (started_at);
COMMENT ON TABLE repairs IS 'Every change latchkey asked Zoom for. Written before the request, finished after reading back.';
COMMENT ON COLUMN repairs.result IS 'held: read back as asked; overwritten: Zoom said yes and did otherwise; refused: Zoom said no; abandoned: the meeting went away; unfinished: not read back yet.';
COMMENT ON COLUMN repairs.why IS 'Why the passcode was there.';

CREATE TABLE alerts (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id   text NOT NULL,
    type         text NOT NULL,
    subject      text NOT NULL,
    data         jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);
CREATE INDEX alerts_unpublished ON alerts (created_at) WHERE published_at IS NULL;
COMMENT ON TABLE alerts IS 'Alerts, written with the verdict that caused them and then published on NATS (outbox).';
COMMENT ON COLUMN alerts.published_at IS 'When JetStream acknowledged it; null: still to be published.';

CREATE VIEW meetings_demanding_passcode AS
SELECT m.meeting_id, m.topic, m.start_time, h.email AS host_email, m.host_id, m.account_id,
       m.demanding_since, m.remedy, m.why, m.decided_at
FROM meetings m LEFT JOIN hosts h USING (host_id)
WHERE m.outcome = 'demands_passcode' AND m.status IN ('scheduled', 'started')
  AND (m.ends_at IS NULL OR m.ends_at > now())
ORDER BY m.start_time NULLS LAST;
COMMENT ON VIEW meetings_demanding_passcode IS 'Upcoming and running meetings whose joiners are asked for a passcode, and why.';

CREATE VIEW unfixable_meetings AS
SELECT m.meeting_id, m.topic, m.start_time, h.email AS host_email, m.host_id, m.account_id,
       m.remedy, m.passcode_readable AS passcode_known, m.why,
       r.reason ->> 'path' AS setting, r.reason ->> 'level' AS level, r.reason ->> 'by' AS locked_by
FROM meetings m LEFT JOIN hosts h USING (host_id)
     -- What stands in the way of removing it says more than what caused it.
     LEFT JOIN LATERAL (SELECT coalesce(jsonb_path_query_first(m.reasons,
         '$[*] ? (@.code == "waiting_room_locked_off" || @.code == "contradicting_locks")'), m.reasons -> 0) AS reason) r ON true
WHERE m.remedy IN ('keep', 'impossible') AND m.outcome = 'demands_passcode' AND m.status IN ('scheduled', 'started')
  AND (m.ends_at IS NULL OR m.ends_at > now())
ORDER BY m.start_time NULLS LAST;
COMMENT ON VIEW unfixable_meetings IS 'Meetings that keep demanding a passcode, with the setting that is in the way. Where passcode_known, `latchkey passcode` gives it.';

CREATE VIEW recent_repairs AS
SELECT r.started_at, r.meeting_id, m.topic, m.start_time, h.email AS host_email, r.remedy, r.result, r.why, r.detail, r.ended_at
FROM repairs r JOIN meetings m USING (meeting_id) LEFT JOIN hosts h ON h.host_id = m.host_id
WHERE r.started_at > now() - interval '7 days'
ORDER BY r.started_at DESC;
COMMENT ON VIEW recent_repairs IS 'What latchkey changed at Zoom in the last seven days, and whether it held.';

-- Roles belong to the whole server and need a right that a managed database
-- may not give; the tables work without them.
-- +goose StatementBegin
DO $$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
            CREATE ROLE latchkey_reader NOLOGIN;
        END IF;
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_passcodes') THEN
            CREATE ROLE latchkey_passcodes NOLOGIN;
        END IF;
    EXCEPTION
        WHEN insufficient_privilege THEN
            RAISE NOTICE 'roles latchkey_reader and latchkey_passcodes were not created: CREATEROLE is missing';
        WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of this server was migrated at the same moment
    END;
    REVOKE ALL ON passcodes FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON accounts, groups, hosts, meetings, events, setting_changes, verdicts, repairs, alerts,
            meetings_demanding_passcode, unfixable_meetings, recent_repairs TO latchkey_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_passcodes') THEN
        GRANT SELECT ON passcodes TO latchkey_passcodes;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW recent_repairs, unfixable_meetings, meetings_demanding_passcode;
DROP TABLE alerts, repairs, verdicts, setting_changes, events, passcodes, meetings, hosts, groups, accounts;
