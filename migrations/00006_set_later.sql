-- +goose Up

-- A passcode that somebody put on a meeting that had none is not a setting's doing.
ALTER TABLE meetings
    ADD COLUMN seen_without_at timestamptz,
    ADD COLUMN set_by          text NOT NULL DEFAULT '';
COMMENT ON COLUMN meetings.seen_without_at IS 'When it was last seen without a passcode; null: never, or latchkey put back the one it has.';
COMMENT ON COLUMN meetings.set_by IS 'Who put a passcode on it after that, as the event named them; empty: not known.';
UPDATE meetings SET seen_without_at = observed_at WHERE passcode = 'off' AND NOT must_read;

-- +goose Down
ALTER TABLE meetings DROP COLUMN seen_without_at, DROP COLUMN set_by;
