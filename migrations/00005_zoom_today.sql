-- +goose Up

-- Whom a waiting room holds, and through what a meeting was made.
ALTER TABLE meetings
    ADD COLUMN waits           text NOT NULL DEFAULT '',
    ADD COLUMN creation_source text NOT NULL DEFAULT '',
    ADD COLUMN created_by      text NOT NULL DEFAULT '';
COMMENT ON COLUMN meetings.waits IS 'Whom the waiting room holds, in Zoom''s words (everyone, users_not_in_account, ...); follow_setting: as hosts.waits says; empty: not read.';
COMMENT ON COLUMN meetings.creation_source IS 'Through what it was made, in Zoom''s words (open_api, web_portal, zoom_scheduler, other); empty: Zoom did not say.';
COMMENT ON COLUMN meetings.created_by IS 'Who made it, as the event named them; empty: not known.';
ALTER TABLE hosts ADD COLUMN waits text NOT NULL DEFAULT '';
COMMENT ON COLUMN hosts.waits IS 'Whom waiting rooms of the host''s meetings hold where a meeting does not say; empty: Zoom did not say.';

-- What was tried on an account (latchkey doctor --probe), where Zoom's documents
-- disagree or say nothing.
ALTER TABLE accounts ADD COLUMN documents text NOT NULL DEFAULT '' CHECK (documents IN ('', '2020', '2025'));
COMMENT ON COLUMN accounts.documents IS 'Which of Zoom''s documents the account was seen to follow where they disagree about a create; empty: nobody tried.';
CREATE TABLE probes (
    account_id text NOT NULL,
    question   text NOT NULL,
    answer     text NOT NULL,
    detail     text NOT NULL DEFAULT '',
    asked_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, question)
);
COMMENT ON TABLE probes IS 'What latchkey doctor --probe found out about an account: one row for each question, the newest answer.';

-- An account that removed the app: what was known of it is gone, that it was is not.
CREATE TABLE erased_accounts (
    account_id text PRIMARY KEY,
    erased_at  timestamptz NOT NULL DEFAULT now(),
    why        text NOT NULL,
    purged_at  timestamptz
);
COMMENT ON COLUMN erased_accounts.purged_at IS 'When its messages in NATS were gone too; null: not yet.';
COMMENT ON TABLE erased_accounts IS 'Accounts whose data was deleted because they removed the app: when and why. Nothing else of them is kept.';

CREATE OR REPLACE VIEW host_forecasts AS
SELECT host_id, email, account_id, forecast -> 'scheduled' ->> 'passcode' AS next_scheduled_demands,
       forecast -> 'instant' ->> 'passcode' AS next_instant_demands, forecast -> 'pmi' ->> 'passcode' AS pmi_demands,
       forecast_why AS why, forecast_at AS since,
       forecast -> 'api' ->> 'passcode' AS next_by_api_demands, forecast -> 'api' ->> 'sure' AS next_by_api_sure
FROM hosts WHERE forecast_at IS NOT NULL
ORDER BY email;
COMMENT ON VIEW host_forecasts IS 'Whether each host''s next meetings would demand a passcode ("on"), and why; by_api: one made by API with the waiting room on and no passcode, "disputed" where Zoom''s documents disagree.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON probes, erased_accounts TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW host_forecasts;
CREATE VIEW host_forecasts AS
SELECT host_id, email, account_id, forecast -> 'scheduled' ->> 'passcode' AS next_scheduled_demands,
       forecast -> 'instant' ->> 'passcode' AS next_instant_demands, forecast -> 'pmi' ->> 'passcode' AS pmi_demands,
       forecast_why AS why, forecast_at AS since
FROM hosts WHERE forecast_at IS NOT NULL
ORDER BY email;
COMMENT ON VIEW host_forecasts IS 'Whether each host''s next meetings would demand a passcode ("on"), and why.';
DROP TABLE erased_accounts, probes;
ALTER TABLE accounts DROP COLUMN documents;
ALTER TABLE hosts DROP COLUMN waits;
ALTER TABLE meetings DROP COLUMN waits, DROP COLUMN creation_source, DROP COLUMN created_by;

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON host_forecasts TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd
