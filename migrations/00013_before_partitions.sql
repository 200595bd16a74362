-- +goose NO TRANSACTION
-- +goose Up

-- Readies events and verdicts to become the first partitions of themselves (00014)
-- without a look at each row while they are locked. Each step can be repeated.

-- An event that does not say when it happened: one word for that, which can be told apart.
UPDATE events SET event_at = 'epoch' WHERE event_at IS NULL;
-- One that says it will happen after next month is no event's word to be believed.
UPDATE events SET event_at = received_at WHERE event_at >= (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months') AT TIME ZONE 'UTC';

DROP INDEX CONCURRENTLY IF EXISTS events_once_before;
CREATE UNIQUE INDEX CONCURRENTLY events_once_before ON events (event_id, event_at);

ALTER TABLE events DROP CONSTRAINT IF EXISTS events_until;
ALTER TABLE verdicts DROP CONSTRAINT IF EXISTS verdicts_until;
-- +goose StatementBegin
DO $$
DECLARE
    until timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format('ALTER TABLE events ADD CONSTRAINT events_until CHECK (event_at IS NOT NULL AND event_at < %L) NOT VALID', until);
    EXECUTE format('ALTER TABLE verdicts ADD CONSTRAINT verdicts_until CHECK (decided_at < %L) NOT VALID', until);
END
$$;
-- +goose StatementEnd
ALTER TABLE events VALIDATE CONSTRAINT events_until;
ALTER TABLE verdicts VALIDATE CONSTRAINT verdicts_until;

-- +goose Down
ALTER TABLE events DROP CONSTRAINT IF EXISTS events_until;
ALTER TABLE verdicts DROP CONSTRAINT IF EXISTS verdicts_until;
DROP INDEX IF EXISTS events_once_before;
