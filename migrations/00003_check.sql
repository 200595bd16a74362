-- +goose Up

-- What a check sees and decides.
ALTER TABLE meetings DROP CONSTRAINT meetings_outcome_check, DROP CONSTRAINT meetings_remedy_check;
ALTER TABLE verdicts DROP CONSTRAINT verdicts_outcome_check, DROP CONSTRAINT verdicts_remedy_check;
ALTER TABLE meetings
    ADD CONSTRAINT meetings_outcome_check CHECK (outcome IN ('joinable', 'demands_passcode', 'unsecured', 'gone', 'unknown')),
    ADD CONSTRAINT meetings_remedy_check CHECK (remedy IN ('none', 'clear', 'set', 'secure', 'keep', 'defer', 'impossible')),
    ADD COLUMN not_found       boolean NOT NULL DEFAULT false,
    ADD COLUMN missing_since   timestamptz,
    ADD COLUMN misses          int NOT NULL DEFAULT 0,
    ADD COLUMN unrestorable    boolean NOT NULL DEFAULT false,
    ADD COLUMN stripped        boolean NOT NULL DEFAULT false,
    ADD COLUMN would           text CHECK (would IN ('none', 'clear', 'set', 'secure', 'keep', 'defer', 'impossible')),
    ADD COLUMN signature       text NOT NULL DEFAULT '',
    ADD COLUMN alerted         text NOT NULL DEFAULT '',
    ADD COLUMN policy          text NOT NULL DEFAULT '',
    ADD COLUMN setting         text,
    ADD COLUMN setting_level   text,
    ADD COLUMN setting_by      text,
    ADD COLUMN setting_by_name text,
    ADD COLUMN waiting_for     text NOT NULL DEFAULT '',
    ADD COLUMN claimed_at      timestamptz,
    DROP COLUMN overwritten_under;
ALTER TABLE verdicts
    ADD CONSTRAINT verdicts_outcome_check CHECK (outcome IN ('joinable', 'demands_passcode', 'unsecured', 'gone', 'unknown')),
    ADD CONSTRAINT verdicts_remedy_check CHECK (remedy IN ('none', 'clear', 'set', 'secure', 'keep', 'defer', 'impossible'));
COMMENT ON COLUMN meetings.not_found IS 'Zoom said that it does not know the meeting; believed once status is deleted.';
COMMENT ON COLUMN meetings.missing_since IS 'When Zoom first said so; null: it did not, or the meeting was seen again.';
COMMENT ON COLUMN meetings.misses IS 'How often in a row Zoom said so.';
COMMENT ON COLUMN meetings.unrestorable IS 'The passcode is known and could not be put back: Zoom''s API does not take its characters.';
COMMENT ON COLUMN meetings.stripped IS 'latchkey removed the passcode and none was seen since: an open meeting is ours to put right.';
COMMENT ON COLUMN meetings.would IS 'Under policy observe: what policy waiting-room would do.';
COMMENT ON COLUMN meetings.signature IS 'The verdict as data; it changes exactly when the verdict does.';
COMMENT ON COLUMN meetings.alerted IS 'What was last told about the meeting, as data; empty: nothing that still holds.';
COMMENT ON COLUMN meetings.policy IS 'Fingerprint of the policy that decided; another policy makes the meeting due.';
COMMENT ON COLUMN meetings.setting IS 'The setting that would have to change for the passcode to go; null: none.';
COMMENT ON COLUMN meetings.setting_level IS 'host, group, account or plan: who holds that setting.';
COMMENT ON COLUMN meetings.setting_by IS 'The group''s or account''s id.';
COMMENT ON COLUMN meetings.setting_by_name IS 'The group''s name.';
COMMENT ON COLUMN meetings.waiting_for IS 'The Zoom call that latchkey''s own set-up does not allow yet; due at once when it works again.';
COMMENT ON COLUMN meetings.claimed_at IS 'When a worker last took it up.';
COMMENT ON COLUMN meetings.attempts IS 'How often it was taken up since it was last finished, counted before the work begins.';
CREATE INDEX meetings_waiting ON meetings (account_id, waiting_for) WHERE waiting_for <> '';

ALTER TABLE hosts
    ADD COLUMN forecast_signature text NOT NULL DEFAULT '',
    ADD COLUMN policy             text NOT NULL DEFAULT '',
    ADD COLUMN waiting_for        text NOT NULL DEFAULT '',
    ADD COLUMN claimed_at         timestamptz;
COMMENT ON COLUMN hosts.forecast_signature IS 'The forecast as data; it changes exactly when the forecast does.';
COMMENT ON COLUMN hosts.policy IS 'Fingerprint of the policy under which the host was last read.';
COMMENT ON COLUMN hosts.waiting_for IS 'The Zoom call that latchkey''s own set-up does not allow yet; due at once when it works again.';
COMMENT ON COLUMN hosts.changed_at IS 'When a change of this host''s settings was last reported or looked for.';
CREATE INDEX hosts_waiting ON hosts (account_id, waiting_for) WHERE waiting_for <> '';

-- A change that arrives while locks are being read must not be swallowed.
ALTER TABLE accounts ADD COLUMN generation bigint NOT NULL DEFAULT 0;
ALTER TABLE groups ADD COLUMN generation bigint NOT NULL DEFAULT 0, ADD COLUMN name text NOT NULL DEFAULT '';
COMMENT ON COLUMN accounts.generation IS 'Counts reported changes, so that one arriving while locks are read is not lost.';
COMMENT ON COLUMN groups.generation IS 'Counts reported changes, so that one arriving while locks are read is not lost.';
COMMENT ON COLUMN groups.name IS 'As Zoom''s web portal shows it; empty: not read.';

-- One memory of what failed.
ALTER TABLE repairs DROP CONSTRAINT repairs_remedy_check, DROP CONSTRAINT repairs_result_check;
ALTER TABLE repairs
    ADD CONSTRAINT repairs_remedy_check CHECK (remedy IN ('clear', 'set', 'secure')),
    ADD CONSTRAINT repairs_result_check CHECK (result IN ('unfinished', 'held', 'overwritten', 'refused', 'busy', 'opened', 'abandoned')),
    ADD COLUMN under text NOT NULL DEFAULT '',
    ADD COLUMN asked_waiting_room boolean NOT NULL DEFAULT false,
    ADD COLUMN asked_passcode text NOT NULL DEFAULT 'absent' CHECK (asked_passcode IN ('absent', 'off', 'on'));
COMMENT ON COLUMN repairs.result IS 'held: read back as asked; overwritten: Zoom said yes and did otherwise; refused: Zoom said no; busy: not now, said Zoom; opened: it left the meeting without a security option; abandoned: it never happened, or the meeting went away; unfinished: not read back yet.';
COMMENT ON COLUMN repairs.under IS 'Key of everything the attempt rested on; a failure is not repeated under the same key.';
COMMENT ON COLUMN repairs.asked_passcode IS 'Whether the request asked for a passcode (on), for none (off), or left it alone.';
CREATE INDEX repairs_failed ON repairs (meeting_id, id) WHERE result IN ('overwritten', 'refused', 'busy', 'opened');

ALTER TABLE passcodes ADD COLUMN state text NOT NULL DEFAULT 'current' CHECK (state IN ('current', 'removed'));
COMMENT ON COLUMN passcodes.state IS 'current: the meeting has it; removed: it had it, kept to be put back if need be.';

CREATE TABLE passcode_changes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meeting_id bigint NOT NULL REFERENCES meetings ON DELETE CASCADE,
    changed_by text NOT NULL CHECK (changed_by IN ('zoom', 'latchkey')),
    operator   text NOT NULL DEFAULT '',
    seen_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX passcode_changes_of_meeting ON passcode_changes (meeting_id, id);
COMMENT ON TABLE passcode_changes IS 'When a meeting''s passcode became another one: links and copies of the old one no longer work. It holds no passcode.';
COMMENT ON COLUMN passcode_changes.changed_by IS 'zoom: somebody or something at Zoom; latchkey: the policy known-passcode, or a passcode put back.';

CREATE TABLE account_calls (
    account_id text NOT NULL,
    call       text NOT NULL,
    ok_at      timestamptz,
    failing    boolean NOT NULL DEFAULT false,
    since      timestamptz,
    failed_at  timestamptz,
    kind       text NOT NULL DEFAULT '',
    detail     text NOT NULL DEFAULT '',
    tries      int NOT NULL DEFAULT 0,
    retry_at   timestamptz,
    PRIMARY KEY (account_id, call)
);
COMMENT ON TABLE account_calls IS 'Per account and Zoom call: does it work, or does latchkey''s own set-up (credentials, scopes, a proxy) stand in its way?';
COMMENT ON COLUMN account_calls.call IS 'Method and path as Zoom documents them; "account" for an account that is not guarded.';
COMMENT ON COLUMN account_calls.ok_at IS 'When it last worked, to about ten minutes.';
COMMENT ON COLUMN account_calls.retry_at IS 'When one of the meetings or hosts that wait for it is tried again.';

CREATE VIEW account_troubles AS
SELECT account_id, call, kind, detail, since, failed_at, retry_at FROM account_calls WHERE failing ORDER BY since;
COMMENT ON VIEW account_troubles IS 'What latchkey cannot do because of its own set-up: which account and call, since when, and what Zoom said.';

CREATE TABLE policies_seen (
    account_id  text PRIMARY KEY,
    fingerprint text NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE policies_seen IS 'The configured policies whose effect on what is known was last looked at.';

DROP VIEW unfixable_meetings, meetings_demanding_passcode;
CREATE VIEW meetings_demanding_passcode AS
SELECT m.meeting_id, m.topic, m.start_time, h.email AS host_email, m.host_id, m.account_id,
       m.demanding_since, m.remedy, m.would, m.why, m.decided_at
FROM meetings m LEFT JOIN hosts h USING (host_id)
WHERE m.outcome = 'demands_passcode' AND m.status IN ('scheduled', 'started')
  AND (m.ends_at IS NULL OR m.ends_at > now())
ORDER BY m.start_time NULLS LAST;
COMMENT ON VIEW meetings_demanding_passcode IS 'Upcoming and running meetings whose joiners are asked for a passcode, and why.';

CREATE VIEW unfixable_meetings AS
SELECT m.meeting_id, m.topic, m.start_time, h.email AS host_email, m.host_id, m.account_id,
       m.remedy, m.passcode_readable AS passcode_known, m.why,
       m.setting, m.setting_level AS level, m.setting_by AS locked_by, m.setting_by_name AS locked_by_name
FROM meetings m LEFT JOIN hosts h USING (host_id)
WHERE m.remedy IN ('keep', 'impossible') AND m.outcome = 'demands_passcode' AND m.status IN ('scheduled', 'started')
  AND (m.ends_at IS NULL OR m.ends_at > now())
ORDER BY m.start_time NULLS LAST;
COMMENT ON VIEW unfixable_meetings IS 'Meetings that keep demanding a passcode, with the setting that is in the way. Where passcode_known, `latchkey passcode` returns it.';

CREATE VIEW open_meetings AS
SELECT m.meeting_id, m.topic, m.start_time, h.email AS host_email, m.host_id, m.account_id,
       m.stripped AS opened_by_latchkey, m.remedy, m.why, m.decided_at
FROM meetings m LEFT JOIN hosts h USING (host_id)
WHERE m.outcome = 'unsecured' AND m.status IN ('scheduled', 'started') AND (m.ends_at IS NULL OR m.ends_at > now())
ORDER BY m.stripped DESC, m.start_time NULLS LAST;
COMMENT ON VIEW open_meetings IS 'Meetings that nothing secures: no passcode, no waiting room, no sign-in. Those that latchkey had a part in come first.';

COMMENT ON TABLE meetings IS 'Every meeting an event or a listing mentioned: what was seen of it, the verdict, and when it is to be checked next.';
COMMENT ON COLUMN hosts.swept_at IS 'When host and meetings were last read again without an event asking for it, in case one was lost.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON meetings_demanding_passcode, unfixable_meetings, open_meetings, account_calls, account_troubles,
            passcode_changes, policies_seen TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
COMMENT ON TABLE meetings IS 'Every meeting latchkey heard of: what was seen of it, the verdict, and when it is to be checked next.';
COMMENT ON COLUMN hosts.swept_at IS 'When host and meetings were last read anew without an event asking for it, in case one was lost.';
DROP VIEW open_meetings, unfixable_meetings, meetings_demanding_passcode, account_troubles;
DROP TABLE policies_seen, account_calls, passcode_changes;
DELETE FROM passcodes WHERE state = 'removed';
ALTER TABLE passcodes DROP COLUMN state;
DROP INDEX repairs_failed;
DELETE FROM repairs WHERE remedy = 'secure' OR result IN ('busy', 'opened');
ALTER TABLE repairs DROP CONSTRAINT repairs_remedy_check, DROP CONSTRAINT repairs_result_check;
ALTER TABLE repairs
    ADD CONSTRAINT repairs_remedy_check CHECK (remedy IN ('clear', 'set')),
    ADD CONSTRAINT repairs_result_check CHECK (result IN ('unfinished', 'held', 'overwritten', 'refused', 'abandoned')),
    DROP COLUMN under, DROP COLUMN asked_waiting_room, DROP COLUMN asked_passcode;
ALTER TABLE groups DROP COLUMN generation, DROP COLUMN name;
ALTER TABLE accounts DROP COLUMN generation;
DROP INDEX hosts_waiting;
ALTER TABLE hosts DROP COLUMN forecast_signature, DROP COLUMN policy, DROP COLUMN waiting_for, DROP COLUMN claimed_at;
DROP INDEX meetings_waiting;
UPDATE meetings SET outcome = 'unknown' WHERE outcome IN ('unsecured', 'gone');
UPDATE meetings SET remedy = 'none' WHERE remedy = 'secure';
UPDATE verdicts SET outcome = 'unknown' WHERE outcome IN ('unsecured', 'gone');
UPDATE verdicts SET remedy = 'none' WHERE remedy = 'secure';
ALTER TABLE verdicts DROP CONSTRAINT verdicts_outcome_check, DROP CONSTRAINT verdicts_remedy_check;
ALTER TABLE verdicts
    ADD CONSTRAINT verdicts_outcome_check CHECK (outcome IN ('joinable', 'demands_passcode', 'unknown')),
    ADD CONSTRAINT verdicts_remedy_check CHECK (remedy IN ('none', 'clear', 'set', 'keep', 'defer', 'impossible'));
ALTER TABLE meetings DROP CONSTRAINT meetings_outcome_check, DROP CONSTRAINT meetings_remedy_check;
ALTER TABLE meetings
    ADD CONSTRAINT meetings_outcome_check CHECK (outcome IN ('joinable', 'demands_passcode', 'unknown')),
    ADD CONSTRAINT meetings_remedy_check CHECK (remedy IN ('none', 'clear', 'set', 'keep', 'defer', 'impossible')),
    DROP COLUMN not_found, DROP COLUMN missing_since, DROP COLUMN misses, DROP COLUMN unrestorable, DROP COLUMN stripped,
    DROP COLUMN would, DROP COLUMN signature, DROP COLUMN alerted, DROP COLUMN policy, DROP COLUMN setting, DROP COLUMN setting_level,
    DROP COLUMN setting_by, DROP COLUMN setting_by_name, DROP COLUMN waiting_for, DROP COLUMN claimed_at,
    ADD COLUMN overwritten_under text NOT NULL DEFAULT '';
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
     LEFT JOIN LATERAL (SELECT coalesce(jsonb_path_query_first(m.reasons,
         '$[*] ? (@.code == "waiting_room_locked_off" || @.code == "contradicting_locks")'), m.reasons -> 0) AS reason) r ON true
WHERE m.remedy IN ('keep', 'impossible') AND m.outcome = 'demands_passcode' AND m.status IN ('scheduled', 'started')
  AND (m.ends_at IS NULL OR m.ends_at > now())
ORDER BY m.start_time NULLS LAST;
COMMENT ON VIEW unfixable_meetings IS 'Meetings that keep demanding a passcode, with the setting that is in the way. Where passcode_known, `latchkey passcode` gives it.';
COMMENT ON COLUMN meetings.attempts IS NULL;
COMMENT ON COLUMN meetings.overwritten_under IS 'The facts under which Zoom put a passcode back on; not tried again until they change.';
COMMENT ON COLUMN hosts.changed_at IS 'When Zoom last told of a change of this host''s settings.';
COMMENT ON COLUMN repairs.result IS 'held: read back as asked; overwritten: Zoom said yes and did otherwise; refused: Zoom said no; abandoned: the meeting went away; unfinished: not read back yet.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON meetings_demanding_passcode, unfixable_meetings TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd
