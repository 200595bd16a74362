-- +goose Up

-- What made a row due, as a trace (W3C traceparent), so that a check is found under the
-- delivery that it follows from.
ALTER TABLE meetings ADD COLUMN due_trace text NOT NULL DEFAULT '';
ALTER TABLE hosts ADD COLUMN due_trace text NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN trace text NOT NULL DEFAULT '';
COMMENT ON COLUMN meetings.due_trace IS 'Traceparent of the event that made it due; empty: none, or it was checked since.';
COMMENT ON COLUMN hosts.due_trace IS 'Traceparent of the event that made it due; empty: none, or it was read since.';
COMMENT ON COLUMN alerts.trace IS 'Traceparent of the check that caused it; empty: none.';

-- +goose Down
ALTER TABLE meetings DROP COLUMN due_trace;
ALTER TABLE hosts DROP COLUMN due_trace;
ALTER TABLE alerts DROP COLUMN trace;
