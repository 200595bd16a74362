-- +goose Up

-- An account's own rhythm of webhooks, so that a silence that it does not explain is seen.
CREATE TABLE webhook_hours (
    account_id text NOT NULL,
    hour       timestamptz NOT NULL,
    events     bigint NOT NULL DEFAULT 0 CHECK (events >= 0),
    minutes    int NOT NULL DEFAULT 0 CHECK (minutes >= 0),
    PRIMARY KEY (account_id, hour)
);
COMMENT ON TABLE webhook_hours IS 'How many events arrived in each hour of the last weeks. Counted by the minute: a worker that dies forgets less than that.';
COMMENT ON COLUMN webhook_hours.minutes IS 'In how many minutes of it some worker listened, at least: of an hour in which none did, nothing is known. Several workers count several times.';

CREATE TABLE webhook_health (
    account_id   text PRIMARY KEY,
    validated_at timestamptz,
    silent_since timestamptz,
    late_since   timestamptz
);
COMMENT ON TABLE webhook_health IS 'Whether an account''s webhooks still come.';
COMMENT ON COLUMN webhook_health.validated_at IS 'When Zoom last asked to validate the webhook URL, as it does every 72 hours; null: never heard.';
COMMENT ON COLUMN webhook_health.silent_since IS 'Since when no event came although at the same time in the weeks before many did; null: they come.';
COMMENT ON COLUMN webhook_health.late_since IS 'Since when Zoom should have validated the URL again; null: it did.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_hours, webhook_health TO latchkey_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON webhook_hours, webhook_health TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE webhook_health;
DROP TABLE webhook_hours;
