-- +goose NO TRANSACTION
-- +goose Up

-- The sweep takes first the hosts whose meetings start soonest.
DROP INDEX CONCURRENTLY IF EXISTS meetings_by_start;
CREATE INDEX CONCURRENTLY meetings_by_start ON meetings (account_id, start_time) WHERE status = 'scheduled';

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS meetings_by_start;
