-- +goose NO TRANSACTION
-- +goose Up

-- What the code believes, held by the database; and indexes for the questions asked
-- most. Nothing here locks a table for longer than a moment: constraints are added
-- NOT VALID and validated afterwards, indexes are built CONCURRENTLY, and each step
-- can be repeated should it have been cut off.

DROP INDEX CONCURRENTLY IF EXISTS meetings_due_by_time;
CREATE INDEX CONCURRENTLY meetings_due_by_time ON meetings (due_at, start_time) WHERE due_at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS meetings_by_outcome;
CREATE INDEX CONCURRENTLY meetings_by_outcome ON meetings (outcome, start_time) WHERE outcome IN ('demands_passcode', 'unsecured') AND status IN ('scheduled', 'started');
DROP INDEX CONCURRENTLY IF EXISTS hosts_by_email;
CREATE INDEX CONCURRENTLY hosts_by_email ON hosts (lower(email)) WHERE email <> '';

DROP INDEX CONCURRENTLY IF EXISTS alerts_published;
CREATE INDEX CONCURRENTLY alerts_published ON alerts (published_at) WHERE published_at IS NOT NULL;

-- Of two that are unfinished the check knows the newer alone.
UPDATE repairs r SET result = 'abandoned', ended_at = now() WHERE result = 'unfinished'
    AND EXISTS (SELECT FROM repairs n WHERE n.account_id = r.account_id AND n.meeting_id = r.meeting_id AND n.result = 'unfinished' AND n.id > r.id);
DROP INDEX CONCURRENTLY IF EXISTS repairs_unfinished;
CREATE UNIQUE INDEX CONCURRENTLY repairs_unfinished ON repairs (account_id, meeting_id) WHERE result = 'unfinished';

UPDATE repairs SET ended_at = coalesce(ended_at, started_at) WHERE result <> 'unfinished' AND ended_at IS NULL;
UPDATE repairs SET ended_at = NULL WHERE result = 'unfinished' AND ended_at IS NOT NULL;
ALTER TABLE repairs DROP CONSTRAINT IF EXISTS repairs_ended;
ALTER TABLE repairs ADD CONSTRAINT repairs_ended CHECK ((result = 'unfinished') = (ended_at IS NULL)) NOT VALID;
ALTER TABLE repairs VALIDATE CONSTRAINT repairs_ended;

UPDATE alignments SET ended_at = coalesce(ended_at, started_at) WHERE result <> 'unfinished' AND ended_at IS NULL;
UPDATE alignments SET ended_at = NULL WHERE result = 'unfinished' AND ended_at IS NOT NULL;
ALTER TABLE alignments DROP CONSTRAINT IF EXISTS alignments_ended;
ALTER TABLE alignments ADD CONSTRAINT alignments_ended CHECK ((result = 'unfinished') = (ended_at IS NULL)) NOT VALID;
ALTER TABLE alignments VALIDATE CONSTRAINT alignments_ended;

UPDATE meetings SET outcome = NULL, remedy = NULL WHERE (outcome IS NULL) <> (remedy IS NULL);
ALTER TABLE meetings DROP CONSTRAINT IF EXISTS meetings_decided;
ALTER TABLE meetings ADD CONSTRAINT meetings_decided CHECK ((outcome IS NULL) = (remedy IS NULL)) NOT VALID;
ALTER TABLE meetings VALIDATE CONSTRAINT meetings_decided;

UPDATE meetings SET lease_owner = NULL, lease_until = NULL WHERE (lease_owner IS NULL) <> (lease_until IS NULL);
ALTER TABLE meetings DROP CONSTRAINT IF EXISTS meetings_lease;
ALTER TABLE meetings ADD CONSTRAINT meetings_lease CHECK ((lease_owner IS NULL) = (lease_until IS NULL)) NOT VALID;
ALTER TABLE meetings VALIDATE CONSTRAINT meetings_lease;

UPDATE hosts SET lease_owner = NULL, lease_until = NULL WHERE (lease_owner IS NULL) <> (lease_until IS NULL);
ALTER TABLE hosts DROP CONSTRAINT IF EXISTS hosts_lease;
ALTER TABLE hosts ADD CONSTRAINT hosts_lease CHECK ((lease_owner IS NULL) = (lease_until IS NULL)) NOT VALID;
ALTER TABLE hosts VALIDATE CONSTRAINT hosts_lease;

ALTER TABLE holds DROP CONSTRAINT IF EXISTS holds_of;
ALTER TABLE holds ADD CONSTRAINT holds_of CHECK ((kind = 'all') = (id = '')) NOT VALID;
ALTER TABLE holds VALIDATE CONSTRAINT holds_of;

-- +goose Down
ALTER TABLE holds DROP CONSTRAINT IF EXISTS holds_of;
ALTER TABLE hosts DROP CONSTRAINT IF EXISTS hosts_lease;
ALTER TABLE meetings DROP CONSTRAINT IF EXISTS meetings_lease, DROP CONSTRAINT IF EXISTS meetings_decided;
ALTER TABLE alignments DROP CONSTRAINT IF EXISTS alignments_ended;
ALTER TABLE repairs DROP CONSTRAINT IF EXISTS repairs_ended;
DROP INDEX IF EXISTS repairs_unfinished, alerts_published, hosts_by_email, meetings_by_outcome, meetings_due_by_time;
