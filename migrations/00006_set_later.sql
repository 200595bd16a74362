-- +goose Up

-- A passcode that somebody put on a meeting that had none is not a setting's doing.
ALTER TABLE meetings
    ADD COLUMN seen_without_at timestamptz,
    ADD COLUMN set_by          text NOT NULL DEFAULT '',
    ADD COLUMN set_at          timestamptz;
COMMENT ON COLUMN meetings.seen_without_at IS 'When it was last seen without a passcode, before the one that it has or had until latchkey removed it; null: never.';
COMMENT ON COLUMN meetings.set_by IS 'Who put a passcode on it after that, as the event named them; empty: not known.';
COMMENT ON COLUMN meetings.set_at IS 'When that was, by Zoom''s clock.';
UPDATE meetings SET seen_without_at = observed_at WHERE passcode = 'off' AND NOT must_read AND NOT stripped;

-- +goose Down
ALTER TABLE meetings DROP COLUMN seen_without_at, DROP COLUMN set_by, DROP COLUMN set_at;
