-- +goose Up

-- A sweep that somebody asks for (`latchkey sweep`): all hosts of its scope are read again
-- once, by the workers. Who asks may go away meanwhile, and the workers may be replaced.
CREATE TABLE sweep_rounds (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL,
    scope      text NOT NULL CHECK (scope IN ('account', 'group', 'host')),
    scope_id   text NOT NULL,
    began_at   timestamptz NOT NULL DEFAULT now(),
    users_at   timestamptz,
    users_why  text NOT NULL DEFAULT '',
    hosts      bigint NOT NULL DEFAULT 0 CHECK (hosts >= 0),
    calls      bigint NOT NULL DEFAULT 0 CHECK (calls >= 0),
    marked_at  timestamptz,
    ended_at   timestamptz,
    stopped    boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX sweep_rounds_open ON sweep_rounds (account_id, scope, scope_id) WHERE ended_at IS NULL;
COMMENT ON TABLE sweep_rounds IS 'Sweeps that were asked for with `latchkey sweep`, and how far they are.';
COMMENT ON COLUMN sweep_rounds.users_at IS 'When the account''s users were listed for it, or that was given up (users_why); null: not yet, or not of this scope.';
COMMENT ON COLUMN sweep_rounds.calls IS 'Calls that the marked hosts and their meetings cost, as reckoned when they were.';
COMMENT ON COLUMN sweep_rounds.marked_at IS 'When the last host of the scope was marked; null: not all are.';
COMMENT ON COLUMN sweep_rounds.ended_at IS 'When all that was marked had been read, or it was stopped.';

ALTER TABLE sweeps ADD COLUMN per_day bigint;
COMMENT ON COLUMN sweeps.per_day IS 'Calls a day that the workers'' configuration leaves to the sweep; 0: nothing bounds it; null: none said yet.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_worker') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON sweep_rounds TO latchkey_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader') THEN
        GRANT SELECT ON sweep_rounds TO latchkey_reader;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE sweeps DROP COLUMN per_day;
DROP TABLE sweep_rounds;
