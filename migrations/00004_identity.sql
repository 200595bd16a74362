-- +goose Up

-- Which meeting, which host, which group: an account's own. Ids that another
-- account names are other rows, whoever names them first.
ALTER TABLE passcodes DROP CONSTRAINT passcodes_meeting_id_fkey, DROP CONSTRAINT passcodes_pkey;
ALTER TABLE verdicts DROP CONSTRAINT verdicts_meeting_id_fkey;
ALTER TABLE repairs DROP CONSTRAINT repairs_meeting_id_fkey;
ALTER TABLE passcode_changes DROP CONSTRAINT passcode_changes_meeting_id_fkey;
ALTER TABLE alignments DROP CONSTRAINT alignments_host_id_fkey;
ALTER TABLE meetings DROP CONSTRAINT meetings_pkey;
ALTER TABLE hosts DROP CONSTRAINT hosts_pkey;
ALTER TABLE groups DROP CONSTRAINT groups_pkey;

ALTER TABLE meetings ADD PRIMARY KEY (account_id, meeting_id);
ALTER TABLE hosts ADD PRIMARY KEY (account_id, host_id);
ALTER TABLE groups ADD PRIMARY KEY (account_id, group_id);
CREATE INDEX meetings_by_number ON meetings (meeting_id);
CREATE INDEX hosts_by_id ON hosts (host_id);
DROP INDEX hosts_of_account; -- the primary key begins with the account

ALTER TABLE passcodes ADD COLUMN account_id text NOT NULL DEFAULT '';
ALTER TABLE verdicts ADD COLUMN account_id text NOT NULL DEFAULT '';
ALTER TABLE repairs ADD COLUMN account_id text NOT NULL DEFAULT '';
ALTER TABLE passcode_changes ADD COLUMN account_id text NOT NULL DEFAULT '';
UPDATE passcodes c SET account_id = m.account_id FROM meetings m WHERE m.meeting_id = c.meeting_id;
UPDATE verdicts c SET account_id = m.account_id FROM meetings m WHERE m.meeting_id = c.meeting_id;
UPDATE repairs c SET account_id = m.account_id FROM meetings m WHERE m.meeting_id = c.meeting_id;
UPDATE passcode_changes c SET account_id = m.account_id FROM meetings m WHERE m.meeting_id = c.meeting_id;
UPDATE alignments c SET account_id = h.account_id FROM hosts h WHERE h.host_id = c.host_id;
ALTER TABLE passcodes ALTER COLUMN account_id DROP DEFAULT, ADD PRIMARY KEY (account_id, meeting_id),
    ADD FOREIGN KEY (account_id, meeting_id) REFERENCES meetings ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE verdicts ALTER COLUMN account_id DROP DEFAULT,
    ADD FOREIGN KEY (account_id, meeting_id) REFERENCES meetings ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE repairs ALTER COLUMN account_id DROP DEFAULT,
    ADD FOREIGN KEY (account_id, meeting_id) REFERENCES meetings ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE passcode_changes ALTER COLUMN account_id DROP DEFAULT,
    ADD FOREIGN KEY (account_id, meeting_id) REFERENCES meetings ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE alignments ADD FOREIGN KEY (account_id, host_id) REFERENCES hosts ON DELETE CASCADE ON UPDATE CASCADE;

-- Rows whose account no event named take their host's, where there is one.
UPDATE meetings m SET account_id = h.account_id FROM hosts h WHERE m.account_id = '' AND m.host_id = h.host_id AND h.account_id <> ''
    AND NOT EXISTS (SELECT FROM hosts o WHERE o.host_id = h.host_id AND o.account_id NOT IN ('', h.account_id));

-- The other number of a meeting that runs under the host's personal meeting id,
-- and how long a number lets people in: not only until the planned end.
ALTER TABLE meetings
    ADD COLUMN pmi          bigint NOT NULL DEFAULT 0,
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN created_at   timestamptz,
    ADD COLUMN event_at     timestamptz,
    ADD COLUMN said_gone    boolean NOT NULL DEFAULT false,
    ADD COLUMN expires_at   timestamptz;
UPDATE meetings SET expires_at = ends_at + CASE WHEN type = 1 THEN interval '0' WHEN type IN (3, 4, 8) THEN interval '365 days' ELSE interval '30 days' END;
CREATE INDEX meetings_by_pmi ON meetings (account_id, pmi) WHERE pmi <> 0;
COMMENT ON COLUMN meetings.pmi IS 'The host''s personal meeting id, where the meeting runs under it: what its link carries and joiners type. 0: none.';
COMMENT ON COLUMN meetings.last_used_at IS 'When it was last reported to have started or ended; null: not so far.';
COMMENT ON COLUMN meetings.said_gone IS 'An event said that it was deleted, perhaps before it was last seen: one answer of Zoom''s that it is gone is believed.';
COMMENT ON COLUMN meetings.event_at IS 'When the newest event about it happened, by Zoom''s clock.';
COMMENT ON COLUMN meetings.created_at IS 'When it was made; null: not known.';
COMMENT ON COLUMN meetings.expires_at IS 'When the number stops letting people in: 30 days after the planned end or last use, 365 for a series; null: not as far as is known.';
ALTER TABLE hosts
    ADD COLUMN pmi       bigint NOT NULL DEFAULT 0,
    ADD COLUMN can_host  boolean NOT NULL DEFAULT true;
CREATE INDEX hosts_by_pmi ON hosts (pmi) WHERE pmi <> 0;
COMMENT ON COLUMN hosts.pmi IS 'The personal meeting id; 0: not read.';
COMMENT ON COLUMN hosts.can_host IS 'false: the user is deactivated, or Zoom does not know them any more.';

DROP VIEW recent_repairs, open_meetings, unfixable_meetings, meetings_demanding_passcode;
CREATE VIEW meetings_demanding_passcode AS
SELECT m.meeting_id, m.topic, m.start_time, h.email AS host_email, m.host_id, m.account_id,
       m.demanding_since, m.remedy, m.would, m.why, m.decided_at, m.ends_at
FROM meetings m LEFT JOIN hosts h USING (account_id, host_id)
WHERE m.outcome = 'demands_passcode' AND m.status IN ('scheduled', 'started')
  AND (m.expires_at IS NULL OR m.expires_at > now())
ORDER BY coalesce(m.ends_at < now(), false), m.start_time NULLS LAST;
COMMENT ON VIEW meetings_demanding_passcode IS 'Meetings whose joiners are asked for a passcode, and why: soonest first, then those whose planned end (ends_at) has passed and whose number still lets people in.';

CREATE VIEW unfixable_meetings AS
SELECT m.meeting_id, m.topic, m.start_time, h.email AS host_email, m.host_id, m.account_id,
       m.remedy, m.passcode_readable AS passcode_known, m.why,
       m.setting, m.setting_level AS level, m.setting_by AS locked_by, m.setting_by_name AS locked_by_name, m.ends_at
FROM meetings m LEFT JOIN hosts h USING (account_id, host_id)
WHERE m.remedy IN ('keep', 'impossible') AND m.outcome = 'demands_passcode' AND m.status IN ('scheduled', 'started')
  AND (m.expires_at IS NULL OR m.expires_at > now())
ORDER BY coalesce(m.ends_at < now(), false), m.start_time NULLS LAST;
COMMENT ON VIEW unfixable_meetings IS 'Meetings that keep demanding a passcode, with the setting that is in the way. Where passcode_known, `latchkey passcode` returns it.';

CREATE VIEW open_meetings AS
SELECT m.meeting_id, m.topic, m.start_time, h.email AS host_email, m.host_id, m.account_id,
       m.stripped AS opened_by_latchkey, m.remedy, m.why, m.decided_at, m.ends_at
FROM meetings m LEFT JOIN hosts h USING (account_id, host_id)
WHERE m.outcome = 'unsecured' AND m.status IN ('scheduled', 'started') AND (m.expires_at IS NULL OR m.expires_at > now())
ORDER BY m.stripped DESC, coalesce(m.ends_at < now(), false), m.start_time NULLS LAST;
COMMENT ON VIEW open_meetings IS 'Meetings that nothing secures: no passcode, no waiting room, no sign-in. Those that latchkey had a part in come first.';

CREATE VIEW recent_repairs AS
SELECT r.started_at, r.meeting_id, m.topic, m.start_time, h.email AS host_email, r.remedy, r.result, r.why, r.detail, r.ended_at, r.account_id
FROM repairs r JOIN meetings m USING (account_id, meeting_id) LEFT JOIN hosts h ON h.account_id = m.account_id AND h.host_id = m.host_id
WHERE r.started_at > now() - interval '7 days'
ORDER BY r.started_at DESC;
COMMENT ON VIEW recent_repairs IS 'What latchkey changed at Zoom in the last seven days, and whether it held.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON meetings_demanding_passcode, unfixable_meetings, open_meetings, recent_repairs TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- What two accounts claim cannot stand in one row: the one seen last stays.
DROP VIEW recent_repairs, open_meetings, unfixable_meetings, meetings_demanding_passcode;
DELETE FROM meetings m USING meetings o WHERE o.meeting_id = m.meeting_id AND o.account_id <> m.account_id
    AND (coalesce(o.observed_at, 'epoch'), o.account_id) > (coalesce(m.observed_at, 'epoch'), m.account_id);
DELETE FROM hosts h USING hosts o WHERE o.host_id = h.host_id AND o.account_id <> h.account_id
    AND (coalesce(o.read_at, 'epoch'), o.account_id) > (coalesce(h.read_at, 'epoch'), h.account_id);
DELETE FROM groups g USING groups o WHERE o.group_id = g.group_id AND o.account_id <> g.account_id
    AND (coalesce(o.read_at, 'epoch'), o.account_id) > (coalesce(g.read_at, 'epoch'), g.account_id);
ALTER TABLE passcodes DROP CONSTRAINT passcodes_account_id_meeting_id_fkey, DROP CONSTRAINT passcodes_pkey, DROP COLUMN account_id;
ALTER TABLE verdicts DROP CONSTRAINT verdicts_account_id_meeting_id_fkey, DROP COLUMN account_id;
ALTER TABLE repairs DROP CONSTRAINT repairs_account_id_meeting_id_fkey, DROP COLUMN account_id;
ALTER TABLE passcode_changes DROP CONSTRAINT passcode_changes_account_id_meeting_id_fkey, DROP COLUMN account_id;
ALTER TABLE alignments DROP CONSTRAINT alignments_account_id_host_id_fkey;
DROP INDEX meetings_by_number, meetings_by_pmi, hosts_by_id, hosts_by_pmi;
ALTER TABLE meetings DROP CONSTRAINT meetings_pkey, ADD PRIMARY KEY (meeting_id),
    DROP COLUMN pmi, DROP COLUMN last_used_at, DROP COLUMN created_at, DROP COLUMN event_at, DROP COLUMN said_gone, DROP COLUMN expires_at;
ALTER TABLE hosts DROP CONSTRAINT hosts_pkey, ADD PRIMARY KEY (host_id), DROP COLUMN pmi, DROP COLUMN can_host;
ALTER TABLE groups DROP CONSTRAINT groups_pkey, ADD PRIMARY KEY (group_id);
CREATE INDEX hosts_of_account ON hosts (account_id);
ALTER TABLE passcodes ADD PRIMARY KEY (meeting_id), ADD FOREIGN KEY (meeting_id) REFERENCES meetings ON DELETE CASCADE;
ALTER TABLE verdicts ADD FOREIGN KEY (meeting_id) REFERENCES meetings ON DELETE CASCADE;
ALTER TABLE repairs ADD FOREIGN KEY (meeting_id) REFERENCES meetings ON DELETE CASCADE;
ALTER TABLE passcode_changes ADD FOREIGN KEY (meeting_id) REFERENCES meetings ON DELETE CASCADE;
ALTER TABLE alignments ADD FOREIGN KEY (host_id) REFERENCES hosts ON DELETE CASCADE;
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
CREATE VIEW recent_repairs AS
SELECT r.started_at, r.meeting_id, m.topic, m.start_time, h.email AS host_email, r.remedy, r.result, r.why, r.detail, r.ended_at
FROM repairs r JOIN meetings m USING (meeting_id) LEFT JOIN hosts h ON h.host_id = m.host_id
WHERE r.started_at > now() - interval '7 days'
ORDER BY r.started_at DESC;
COMMENT ON VIEW recent_repairs IS 'What latchkey changed at Zoom in the last seven days, and whether it held.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON meetings_demanding_passcode, unfixable_meetings, open_meetings, recent_repairs TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd
