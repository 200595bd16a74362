-- +goose Up

-- A sweep of the account lists its users: by one worker at a time, more and more slowly
-- while that fails, and not for ever.
ALTER TABLE sweep_rounds ADD COLUMN users_tries int NOT NULL DEFAULT 0, ADD COLUMN users_next timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN sweep_rounds.users_next IS 'Not before that are the users listed (again), users_tries times having been tried.';

-- +goose Down
ALTER TABLE sweep_rounds DROP COLUMN users_tries, DROP COLUMN users_next;
