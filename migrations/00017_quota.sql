-- +goose Up

-- Zoom's limits, shared by all workers: of calls for each account and label, and of the
-- 100 creates and changes of a host and UTC day.

CREATE TABLE call_limits (
    account_id  text NOT NULL,
    label       text NOT NULL,
    next_at     timestamptz NOT NULL DEFAULT now(),
    per_second  double precision CHECK (per_second > 0),
    pace        double precision NOT NULL DEFAULT 1 CHECK (pace > 0 AND pace <= 1),
    paced_at    timestamptz NOT NULL DEFAULT now(),
    day         date NOT NULL DEFAULT '1970-01-01',
    used        bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    per_day     double precision CHECK (per_day > 0),
    held_until  timestamptz,
    held_for    text NOT NULL DEFAULT '' CHECK ((held_for = '') = (held_until IS NULL)),
    PRIMARY KEY (account_id, label)
);
COMMENT ON TABLE call_limits IS 'How many calls to Zoom latchkey makes, for each account and label: all workers take their turns here, some at a time.';
COMMENT ON COLUMN call_limits.next_at IS 'Up to when turns are given out.';
COMMENT ON COLUMN call_limits.per_second IS 'What Zoom said that it allows the whole account; null: it did not, and the plan counts.';
COMMENT ON COLUMN call_limits.pace IS 'Of latchkey''s share, what it takes: less after each 429, and more again by the time since (paced_at).';
COMMENT ON COLUMN call_limits.used IS 'Calls of the UTC day, taken and perhaps not made.';
COMMENT ON COLUMN call_limits.held_until IS 'No call before that: Zoom said so, for rate_second or rate_day.';

CREATE TABLE host_days (
    account_id text NOT NULL,
    host_id    text NOT NULL,
    day        date NOT NULL,
    ours       int NOT NULL DEFAULT 0 CHECK (ours >= 0),
    theirs     int NOT NULL DEFAULT 0 CHECK (theirs >= 0),
    low_told   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, host_id, day)
);
COMMENT ON TABLE host_days IS 'What is spent of the 100 creates and changes that Zoom allows a host and UTC day.';
COMMENT ON COLUMN host_days.ours IS 'By latchkey.';
COMMENT ON COLUMN host_days.theirs IS 'By everybody else, as far as events tell or Zoom''s answers do.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON call_limits, host_days TO latchkey_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON call_limits, host_days TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE host_days;
DROP TABLE call_limits;
