-- +goose Up

-- The sweep is one for all workers of an account, within a budget of calls a day.
CREATE TABLE sweeps (
    account_id text PRIMARY KEY,
    day        date NOT NULL DEFAULT '1970-01-01',
    spent      bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
    users_at   timestamptz NOT NULL DEFAULT now(),
    log_at     timestamptz
);
COMMENT ON TABLE sweeps IS 'How far the sweep of an account is: what it reads again in case Zoom dropped an event.';
COMMENT ON COLUMN sweeps.spent IS 'Calls of the UTC day that what was marked costs, as reckoned when it was.';
COMMENT ON COLUMN sweeps.users_at IS 'When the account''s users were last listed, so that those are found whom no event mentioned; at first, when the account was first swept.';
COMMENT ON COLUMN sweeps.log_at IS 'Up to when Zoom''s log of deliveries was looked at for those that failed; null: never.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON sweeps TO latchkey_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON sweeps TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE sweeps;
