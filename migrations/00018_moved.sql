-- +goose Up

-- A change of settings does not make every meeting be read: what is known of it is held
-- against the settings first. Of a host it says what is to be read again.
ALTER TABLE meetings ADD COLUMN moved smallint NOT NULL DEFAULT 0;
ALTER TABLE hosts ADD COLUMN profile_read_at timestamptz, ADD COLUMN list_due boolean NOT NULL DEFAULT true,
    ADD COLUMN security_alone boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN meetings.moved IS '1: settings that hold for it changed since it was decided; 2: so that Zoom may have changed the meeting itself; 0: neither.';
COMMENT ON COLUMN hosts.profile_read_at IS 'When licence, groups and personal meeting id were read; null: never, or they may be others since.';
COMMENT ON COLUMN hosts.list_due IS 'The host''s meetings are to be listed when the host is taken up.';
COMMENT ON COLUMN hosts.security_alone IS 'read_at is null for a change of settings of meeting_security and for nothing else.';

-- +goose Down
ALTER TABLE meetings DROP COLUMN moved;
ALTER TABLE hosts DROP COLUMN profile_read_at, DROP COLUMN list_due, DROP COLUMN security_alone;
