-- +goose Up

-- What latchkey was told to leave as it is. It observes and explains, and changes
-- nothing.
CREATE TABLE holds (
    account_id text NOT NULL DEFAULT '',
    kind       text NOT NULL CHECK (kind IN ('meeting', 'host', 'account', 'all')),
    id         text NOT NULL DEFAULT '',
    reason     text NOT NULL,
    held_by    text NOT NULL,
    held_at    timestamptz NOT NULL DEFAULT now(),
    until      timestamptz,
    PRIMARY KEY (kind, account_id, id)
);
COMMENT ON TABLE holds IS 'What latchkey was told to leave as it is (latchkey hold, latchkey release), why, by whom and until when.';
COMMENT ON COLUMN holds.id IS 'The meeting''s number, the host''s id, the account''s id; empty for all.';
COMMENT ON COLUMN holds.until IS 'Null: until it is released. What is past holds nothing any more.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON holds TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE holds;
