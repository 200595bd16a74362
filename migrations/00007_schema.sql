-- +goose Up

-- Everything is in a schema of latchkey's own; store/migrate.go makes it and moves
-- there what an earlier version made in public.
-- +goose StatementBegin
DO $$
DECLARE
    role text;
BEGIN
    IF current_schema() = 'public' THEN
        RETURN;
    END IF;
    FOREACH role IN ARRAY ARRAY['latchkey_reader', 'latchkey_passcodes'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
        END IF;
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose Down
