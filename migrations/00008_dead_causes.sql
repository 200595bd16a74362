-- +goose Up

-- Why events became dead letters, for one alert (event.dead) for each kind of cause.
CREATE TABLE dead_causes (
    account_id text NOT NULL,
    stage      text NOT NULL,
    cause      text NOT NULL,
    since      timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, stage, cause)
);
COMMENT ON TABLE dead_causes IS 'Kinds of cause for which events became dead letters (latchkey dead list), one row for each account, stage and kind.';
COMMENT ON COLUMN dead_causes.account_id IS 'Empty: not known.';
COMMENT ON COLUMN dead_causes.stage IS 'Who gave up on them: ingest, intake, or delivery (JetStream itself).';
COMMENT ON COLUMN dead_causes.cause IS 'The reason without ids and numbers.';
COMMENT ON COLUMN dead_causes.since IS 'When it was first seen since it was last quiet for a day; it was alerted then.';
COMMENT ON COLUMN dead_causes.seen_at IS 'When it was last seen, to the minute.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON dead_causes TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE dead_causes;
