-- +goose Up
-- Each event is chained to the one before it by hash, in the chain of its team or
-- in the deployment's (docs/audit.md). Events of a team are written chained;
-- what is not yet has no seq.
ALTER TABLE audit_events ADD COLUMN seq integer CHECK (seq > 0);
ALTER TABLE audit_events ADD COLUMN prev_hash blob CHECK (length(prev_hash) = 32);
ALTER TABLE audit_events ADD COLUMN hash blob CONSTRAINT audit_events_chained CHECK (
    (seq IS NULL) = (hash IS NULL) AND (seq IS NULL) = (prev_hash IS NULL) AND (hash IS NULL OR length(hash) = 32));
CREATE UNIQUE INDEX audit_events_chain
    ON audit_events (coalesce(team_id, '00000000-0000-0000-0000-000000000000'), seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_events_unchained ON audit_events (id) WHERE seq IS NULL;

-- The last link of each chain: a team's by its id, the deployment's by zeros.
CREATE TABLE audit_heads (
    chain text NOT NULL PRIMARY KEY,
    seq   integer NOT NULL CHECK (seq > 0),
    hash  blob NOT NULL CHECK (length(hash) = 32)
);

-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN OLD.seq IS NOT NULL
    OR (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.user_id, OLD.team_id, OLD.session_id, OLD.ip, OLD.user_agent, OLD.data)
    IS NOT (NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.user_id, NEW.team_id, NEW.session_id, NEW.ip, NEW.user_agent, NEW.data)
BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_heads_no_return BEFORE UPDATE ON audit_heads WHEN NEW.chain <> OLD.chain OR NEW.seq < OLD.seq BEGIN
    SELECT RAISE(ABORT, 'audit_heads: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads BEGIN
    SELECT RAISE(ABORT, 'audit_heads: audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE audit_heads;
DROP TRIGGER audit_events_no_delete;
DROP TRIGGER audit_events_no_update;
DROP INDEX audit_events_unchained;
DROP INDEX audit_events_chain;
ALTER TABLE audit_events DROP COLUMN hash;
ALTER TABLE audit_events DROP COLUMN prev_hash;
ALTER TABLE audit_events DROP COLUMN seq;
