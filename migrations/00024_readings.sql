-- +goose Up

-- What one worker reads from Zoom no other reads at the same time.
CREATE TABLE readings (
    key   text PRIMARY KEY,
    owner text NOT NULL,
    until timestamptz NOT NULL
);
COMMENT ON TABLE readings IS 'Settings and locks that a worker is reading from Zoom just now: the others wait for it, until it is done or that moment comes.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON readings TO latchkey_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON readings TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE readings;
