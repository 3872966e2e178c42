-- +goose Up
-- Each event is chained to the one before it by hash, in the chain of its team or
-- in the deployment's (docs/audit.md). Events of a team are written chained;
-- what is not yet has no seq.
ALTER TABLE audit_events
    ADD COLUMN seq       bigint CHECK (seq > 0),
    ADD COLUMN prev_hash bytea CHECK (length(prev_hash) = 32),
    ADD COLUMN hash      bytea CHECK (length(hash) = 32),
    ADD CONSTRAINT audit_events_chained CHECK (
        (seq IS NULL) = (hash IS NULL) AND (seq IS NULL) = (prev_hash IS NULL));
CREATE UNIQUE INDEX audit_events_chain
    ON audit_events (coalesce(team_id, '00000000-0000-0000-0000-000000000000'::uuid), seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_events_unchained ON audit_events (id) WHERE seq IS NULL;

-- The last link of each chain: a team's by its id, the deployment's by zeros.
CREATE TABLE audit_heads (
    chain uuid PRIMARY KEY,
    seq   bigint NOT NULL CHECK (seq > 0),
    hash  bytea NOT NULL CHECK (length(hash) = 32)
);

-- +goose StatementBegin
CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: audit events are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events FOR EACH ROW
    WHEN (OLD.seq IS NOT NULL
        OR ROW (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.user_id, OLD.team_id, OLD.session_id, OLD.ip, OLD.user_agent, OLD.data)
        IS DISTINCT FROM
        ROW (NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.user_id, NEW.team_id, NEW.session_id, NEW.ip, NEW.user_agent, NEW.data))
    EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_heads_no_return BEFORE UPDATE ON audit_heads FOR EACH ROW
    WHEN (NEW.chain <> OLD.chain OR NEW.seq < OLD.seq) EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_heads_no_truncate BEFORE TRUNCATE ON audit_heads EXECUTE FUNCTION audit_is_kept();

-- +goose Down
DROP TABLE audit_heads;
DROP TRIGGER audit_events_no_truncate ON audit_events;
DROP TRIGGER audit_events_no_delete ON audit_events;
DROP TRIGGER audit_events_no_update ON audit_events;
DROP FUNCTION audit_is_kept();
DROP INDEX audit_events_unchained;
DROP INDEX audit_events_chain;
ALTER TABLE audit_events DROP CONSTRAINT audit_events_chained;
ALTER TABLE audit_events DROP COLUMN hash, DROP COLUMN prev_hash, DROP COLUMN seq;
