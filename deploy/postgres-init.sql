-- Run once by the Postgres image, as the server's superuser, on the empty database
-- latchkey. latchkey itself gets no superuser: it has an owner of its schema, for
-- `latchkey migrate` alone, and workers that own nothing.
--
-- Passwords come from files, so that they stand in no log and no process list.
DO $$
DECLARE
    password text;
BEGIN
    -- Without login; the migrations give them their rights (docs/database.md).
    CREATE ROLE latchkey_worker NOLOGIN;
    CREATE ROLE latchkey_reader NOLOGIN;
    CREATE ROLE latchkey_passcodes NOLOGIN;

    password := trim(E' \n\r\t' FROM pg_read_file('/run/secrets/postgres_owner_password'));
    EXECUTE format('CREATE ROLE latchkey LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L', password);
    password := trim(E' \n\r\t' FROM pg_read_file('/run/secrets/postgres_worker_password'));
    EXECUTE format('CREATE ROLE worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L IN ROLE latchkey_worker', password);
END
$$;

-- Whoever is not named comes into no database and makes nothing in it.
REVOKE ALL ON DATABASE latchkey, postgres, template1 FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC; -- before 15 everybody may
GRANT CONNECT ON DATABASE latchkey TO latchkey, latchkey_worker, latchkey_reader, latchkey_passcodes;
CREATE SCHEMA latchkey AUTHORIZATION latchkey;
