-- +goose Up
-- From here on events are inserted once and never updated, those of teams too, also
-- by replicas of the previous release: seq 0 is what they do not name. A seal
-- holds the hashes of a batch (docs/audit.md). What was chained before keeps its
-- seq and hashes.

-- Numbers of transactions start again when a dump is restored into another
-- server, so events are ordered by an epoch first: one for each start of a server.
CREATE TABLE audit_epoch (
    id             integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    epoch          integer NOT NULL CHECK (epoch > 0),
    server_started timestamptz NOT NULL
);
INSERT INTO audit_epoch (epoch, server_started) VALUES (1, pg_postmaster_start_time());
-- The epoch of now, which the next sealer writes down after a new start.
-- +goose StatementBegin
CREATE FUNCTION audit_epoch() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT e.epoch + (e.server_started <> pg_postmaster_start_time())::integer FROM audit_epoch AS e);
END $$;
-- +goose StatementEnd

-- One row for the events of a chain in a batch: seq is that of the first, the place
-- that of the last. For each event, in their order, links holds the last 4 bytes
-- of its id and its hash.
CREATE TABLE audit_seals (
    chain     uuid NOT NULL,
    seq       bigint NOT NULL CHECK (seq > 0),
    epoch     integer NOT NULL,
    position  bigint NOT NULL,
    event_id  uuid NOT NULL,
    prev_hash bytea NOT NULL CHECK (length(prev_hash) = 32),
    links     bytea NOT NULL CHECK (length(links) > 0 AND length(links) % 36 = 0),
    PRIMARY KEY (chain, seq)
);
CREATE UNIQUE INDEX audit_seals_place ON audit_seals (chain, epoch, position, event_id);
ALTER TABLE audit_seals ALTER COLUMN links SET STORAGE EXTERNAL; -- hashes do not compress

-- The place up to which everything is sealed.
CREATE TABLE audit_progress (
    id       integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    epoch    integer NOT NULL,
    position bigint NOT NULL,
    event_id uuid NOT NULL
);
INSERT INTO audit_progress (epoch, position, event_id) VALUES (0, 0, '00000000-0000-0000-0000-000000000000');

ALTER TABLE audit_events
    DROP CONSTRAINT audit_events_seq_check,
    DROP CONSTRAINT audit_events_chained,
    ALTER COLUMN seq SET DEFAULT 0,
    ALTER COLUMN epoch SET DEFAULT audit_epoch(),
    ALTER COLUMN position SET DEFAULT pg_current_xact_id()::text::bigint;
DROP INDEX audit_events_chain;
UPDATE audit_events SET seq = 0, epoch = audit_epoch(), position = pg_current_xact_id()::text::bigint WHERE seq IS NULL;

CREATE TRIGGER audit_seals_no_update BEFORE UPDATE ON audit_seals FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_seals_no_delete BEFORE DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_seals_no_truncate BEFORE TRUNCATE ON audit_seals EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_progress_no_return BEFORE UPDATE ON audit_progress FOR EACH ROW
    WHEN ((NEW.epoch, NEW.position, NEW.event_id) < (OLD.epoch, OLD.position, OLD.event_id)) EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_progress_no_delete BEFORE DELETE ON audit_progress FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_progress_no_truncate BEFORE TRUNCATE ON audit_progress EXECUTE FUNCTION audit_is_kept();

-- +goose Down
-- What was sealed in batches, and what was chained behind it, is chained again by
-- the previous release, with other hashes.
ALTER TABLE audit_events DISABLE TRIGGER USER;
ALTER TABLE audit_heads DISABLE TRIGGER USER;
ALTER TABLE audit_events ALTER COLUMN seq DROP DEFAULT, ALTER COLUMN epoch DROP DEFAULT, ALTER COLUMN position DROP DEFAULT;
UPDATE audit_events AS a SET seq = NULL, prev_hash = NULL, hash = NULL
    WHERE a.seq = 0 OR a.seq > (SELECT min(s.seq) FROM audit_seals AS s WHERE s.chain = coalesce(a.team_id, '00000000-0000-0000-0000-000000000000'::uuid));
DELETE FROM audit_heads;
INSERT INTO audit_heads (chain, seq, hash)
    SELECT DISTINCT ON (1) coalesce(team_id, '00000000-0000-0000-0000-000000000000'::uuid), seq, hash
    FROM audit_events WHERE seq IS NOT NULL ORDER BY 1, seq DESC;
CREATE UNIQUE INDEX audit_events_chain
    ON audit_events (coalesce(team_id, '00000000-0000-0000-0000-000000000000'::uuid), seq) WHERE seq IS NOT NULL;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_seq_check CHECK (seq > 0);
ALTER TABLE audit_events ADD CONSTRAINT audit_events_chained CHECK (
    (seq IS NULL) = (hash IS NULL) AND (seq IS NULL) = (prev_hash IS NULL));
ALTER TABLE audit_heads ENABLE TRIGGER USER;
ALTER TABLE audit_events ENABLE TRIGGER USER;
DROP TABLE audit_progress;
DROP TABLE audit_seals;
DROP FUNCTION audit_epoch();
DROP TABLE audit_epoch;
