-- +goose Up

-- One worker at a time publishes alerts, in the order of a sequence that it gives
-- them, and holds no transaction open while it waits for NATS.
CREATE TABLE outbox (
    one_row     boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    last_seq    bigint NOT NULL DEFAULT 0,
    lease_owner text,
    lease_until timestamptz,
    CONSTRAINT outbox_lease CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);
INSERT INTO outbox DEFAULT VALUES;
COMMENT ON TABLE outbox IS 'Which worker publishes alerts now, and the last sequence that was given to one. One row.';

-- Set as a default afterwards, so that the rows that are there are not rewritten.
CREATE SEQUENCE alerts_recorded;
ALTER TABLE alerts
    ADD COLUMN recorded   bigint,
    ADD COLUMN seq        bigint,
    ADD COLUMN attempts   int NOT NULL DEFAULT 0,
    ADD COLUMN retry_at   timestamptz,
    ADD COLUMN last_error text NOT NULL DEFAULT '';
ALTER TABLE alerts ALTER COLUMN recorded SET DEFAULT nextval('alerts_recorded');
ALTER SEQUENCE alerts_recorded OWNED BY alerts.recorded;
COMMENT ON COLUMN alerts.recorded IS 'Orders alerts as they were recorded, those of one transaction too; null: before there was this column.';
COMMENT ON COLUMN alerts.seq IS 'ce-sequence: the order in which they are published. Given once, before the first try; gaps mean nothing.';
COMMENT ON COLUMN alerts.attempts IS 'How often NATS refused this one.';
COMMENT ON COLUMN alerts.retry_at IS 'When one that was refused is tried again; others do not wait for it.';
COMMENT ON COLUMN alerts.last_error IS 'Why it was refused.';
DROP INDEX alerts_unpublished;
CREATE INDEX alerts_unpublished ON alerts (seq, recorded) WHERE published_at IS NULL;

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON outbox TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE outbox;
ALTER TABLE alerts DROP COLUMN recorded, DROP COLUMN seq, DROP COLUMN attempts, DROP COLUMN retry_at, DROP COLUMN last_error;
CREATE INDEX alerts_unpublished ON alerts (created_at) WHERE published_at IS NULL;
