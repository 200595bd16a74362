-- +goose Up

-- What a change of a group or an account reaches is marked some at a time, so that no
-- transaction holds up those that take events in.
CREATE TABLE fanouts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL,
    level      text NOT NULL CHECK (level IN ('group', 'account')),
    level_id   text NOT NULL,
    changed_at timestamptz NOT NULL,
    why        text NOT NULL,
    trace      text NOT NULL DEFAULT '',
    meetings   smallint NOT NULL CHECK (meetings BETWEEN 1 AND 3),
    profile    boolean NOT NULL,
    list       boolean NOT NULL,
    security_alone boolean NOT NULL,
    takes_back boolean NOT NULL,
    phase      text NOT NULL DEFAULT 'hosts' CHECK (phase IN ('hosts', 'meetings')),
    cursor     text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);
-- One that nobody has begun takes in those that come after it.
CREATE UNIQUE INDEX fanouts_not_begun ON fanouts (account_id, level, level_id) WHERE phase = 'hosts' AND cursor = '';
COMMENT ON TABLE fanouts IS 'Changes of groups and accounts whose hosts and meetings are not all marked yet; empty most of the time.';
COMMENT ON COLUMN fanouts.cursor IS 'The last that is marked, of the phase; empty: none.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON fanouts TO latchkey_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON fanouts TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE fanouts;
