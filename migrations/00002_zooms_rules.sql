-- +goose Up

ALTER TABLE accounts ADD COLUMN fixed jsonb NOT NULL DEFAULT '{}';
ALTER TABLE groups ADD COLUMN fixed jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN accounts.fixed IS 'The account''s own values, which its locks fix; absent: not read.';
COMMENT ON COLUMN groups.fixed IS 'The group''s own values, which its locks fix; absent: not read.';

ALTER TABLE hosts
    ADD COLUMN requirement  jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN forecast     jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN forecast_why text NOT NULL DEFAULT '',
    ADD COLUMN forecast_at  timestamptz,
    ADD COLUMN swept_at     timestamptz;
UPDATE hosts SET swept_at = now();
CREATE INDEX hosts_of_group ON hosts USING gin (group_ids);
CREATE INDEX hosts_of_account ON hosts (account_id);
COMMENT ON COLUMN hosts.requirement IS 'Zoom''s meeting_password_requirement for this host.';
COMMENT ON COLUMN hosts.forecast IS 'Whether the host''s next meetings would demand a passcode, as data.';
COMMENT ON COLUMN hosts.forecast_why IS 'The forecast as one sentence.';
COMMENT ON COLUMN hosts.forecast_at IS 'When the forecast last changed.';
COMMENT ON COLUMN hosts.swept_at IS 'When host and meetings were last read anew without an event asking for it, in case one was lost.';
CREATE INDEX hosts_to_sweep ON hosts (swept_at NULLS FIRST);

ALTER TABLE meetings
    ADD COLUMN link_has_passcode text NOT NULL DEFAULT 'unknown' CHECK (link_has_passcode IN ('unknown', 'off', 'on')),
    ADD COLUMN phone_passcode    text NOT NULL DEFAULT 'unknown' CHECK (phone_passcode IN ('unknown', 'off', 'on'));
COMMENT ON COLUMN meetings.link_has_passcode IS 'The invitation link carries the passcode, so that its joiners type nothing.';
COMMENT ON COLUMN meetings.phone_passcode IS 'Joiners by phone must type a numeric passcode.';

ALTER TABLE passcodes DROP CONSTRAINT passcodes_source_check;
ALTER TABLE passcodes ADD CONSTRAINT passcodes_source_check CHECK (source IN ('zoom', 'latchkey'));
COMMENT ON COLUMN passcodes.source IS 'zoom: Zoom or somebody made it; latchkey: the policy known-passcode set it.';

ALTER TABLE setting_changes ADD COLUMN what text NOT NULL DEFAULT 'value' CHECK (what IN ('value', 'lock'));
COMMENT ON COLUMN setting_changes.what IS 'value: the setting was turned on or off; lock: it was locked (on) or unlocked (off).';

CREATE TABLE alignments (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id    text NOT NULL REFERENCES hosts ON DELETE CASCADE,
    account_id text NOT NULL,
    setting    text NOT NULL,
    before     text NOT NULL CHECK (before IN ('off', 'on')),
    after      text NOT NULL CHECK (after IN ('off', 'on')),
    result     text NOT NULL DEFAULT 'unfinished' CHECK (result IN ('unfinished', 'held', 'overwritten', 'refused', 'undone')),
    detail     text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    undone_at  timestamptz
);
CREATE INDEX alignments_of_host ON alignments (host_id, id);
COMMENT ON TABLE alignments IS 'Settings of hosts that latchkey changed because the policy says align_hosts; `latchkey undo-alignment` puts them back.';

CREATE VIEW host_forecasts AS
SELECT host_id, email, account_id, forecast -> 'scheduled' ->> 'passcode' AS next_scheduled_demands,
       forecast -> 'instant' ->> 'passcode' AS next_instant_demands, forecast -> 'pmi' ->> 'passcode' AS pmi_demands,
       forecast_why AS why, forecast_at AS since
FROM hosts WHERE forecast_at IS NOT NULL
ORDER BY email;
COMMENT ON VIEW host_forecasts IS 'Whether each host''s next meetings would demand a passcode ("on"), and why.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON alignments, host_forecasts TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW host_forecasts;
DROP TABLE alignments;
ALTER TABLE setting_changes DROP COLUMN what;
UPDATE passcodes SET source = 'zoom';
ALTER TABLE passcodes DROP CONSTRAINT passcodes_source_check;
ALTER TABLE passcodes ADD CONSTRAINT passcodes_source_check CHECK (source IN ('zoom'));
COMMENT ON COLUMN passcodes.source IS NULL;
ALTER TABLE meetings DROP COLUMN link_has_passcode, DROP COLUMN phone_passcode;
DROP INDEX hosts_of_account;
DROP INDEX hosts_of_group;
ALTER TABLE hosts DROP COLUMN requirement, DROP COLUMN forecast, DROP COLUMN forecast_why, DROP COLUMN forecast_at, DROP COLUMN swept_at;
ALTER TABLE groups DROP COLUMN fixed;
ALTER TABLE accounts DROP COLUMN fixed;
