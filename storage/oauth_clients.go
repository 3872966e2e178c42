package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
)

type oauthClientRow struct {
	bun.BaseModel `bun:"table:clients,alias:c"`
	client.Client
}

type resourceRow struct {
	bun.BaseModel `bun:"table:resources,alias:rs"`
	client.Resource
}

type clientGrantRow struct {
	bun.BaseModel `bun:"table:client_grants,alias:cg"`
	client.Grant
}

// Client implements client.Store.
func (db *DB) Client(ctx context.Context, id string) (client.Client, error) {
	var row oauthClientRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("c.id = ? AND c.deleted_at IS NULL", sanitizeKey(id)).Scan(ctx)
	return row.Client, db.engine.normalise(err)
}

// HoldClient implements client.Store.
func (db *DB) HoldClient(ctx context.Context, id string) (client.Client, error) {
	var row oauthClientRow
	q := db.reader(ctx).NewSelect().Model(&row).Where("c.id = ? AND c.deleted_at IS NULL", sanitizeKey(id))
	err := db.engine.forShare(q, "c").Scan(ctx)
	return row.Client, db.engine.normalise(err)
}

// LockClient implements client.Store.
func (db *DB) LockClient(ctx context.Context, id string) (client.Client, error) {
	var row oauthClientRow
	err := db.engine.forUpdate(db.reader(ctx).NewSelect().Model(&row).Where("c.id = ?", sanitizeKey(id)), "c").Scan(ctx)
	return row.Client, db.engine.normalise(err)
}

// InsertClient implements client.Store.
func (db *DB) InsertClient(ctx context.Context, c client.Client) error {
	return db.insert(ctx, &oauthClientRow{Client: c})
}

// UpdateClient implements client.Store.
func (db *DB) UpdateClient(ctx context.Context, c client.Client) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&oauthClientRow{Client: c}).
		ExcludeColumn("id", "created_by", "created_at").Where("c.id = ?", c.ID))
}

// Clients implements client.Store.
func (db *DB) Clients(ctx context.Context, after string, limit int) ([]client.Client, error) {
	var rows []oauthClientRow
	q := db.reader(ctx).NewSelect().Model(&rows).Where("c.deleted_at IS NULL")
	if after != "" {
		q = q.Where("c.id < ?", sanitizeKey(after))
	}
	err := q.OrderExpr("c.id DESC").Limit(int64(limit) + 1).Scan(ctx)
	return rowsOf(rows, func(r oauthClientRow) client.Client { return r.Client }), db.engine.normalise(err)
}

// Resource implements client.Store.
func (db *DB) Resource(ctx context.Context, uri string) (client.Resource, error) {
	var row resourceRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("rs.uri = ?", sanitizeKey(uri)).Scan(ctx)
	return row.Resource, db.engine.normalise(err)
}

// Resources implements client.Store.
func (db *DB) Resources(ctx context.Context) ([]client.Resource, error) {
	var rows []resourceRow
	err := db.reader(ctx).NewSelect().Model(&rows).Order("rs.uri").Scan(ctx)
	return rowsOf(rows, func(r resourceRow) client.Resource { return r.Resource }), db.engine.normalise(err)
}

// InsertResource implements client.Store.
func (db *DB) InsertResource(ctx context.Context, r client.Resource) error {
	return db.insert(ctx, &resourceRow{Resource: r})
}

// ClientGrant implements client.Store.
func (db *DB) ClientGrant(ctx context.Context, user identity.ID, clientID string, team *identity.ID) (client.Grant, error) {
	var row clientGrantRow
	q := db.reader(ctx).NewSelect().Model(&row).
		Where("cg.user_id = ? AND cg.client_id = ? AND cg.revoked_at IS NULL", user, sanitizeKey(clientID))
	if team == nil {
		q = q.Where("cg.team_id IS NULL")
	} else {
		q = q.Where("cg.team_id = ?", *team)
	}
	err := q.Scan(ctx)
	return row.Grant, db.engine.normalise(err)
}

// ClientGrantByID implements client.Store.
func (db *DB) ClientGrantByID(ctx context.Context, id identity.ID) (client.Grant, error) {
	var row clientGrantRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("cg.id = ?", id).Scan(ctx)
	return row.Grant, db.engine.normalise(err)
}

// InsertClientGrant implements client.Store.
func (db *DB) InsertClientGrant(ctx context.Context, g client.Grant) error {
	return db.insert(ctx, &clientGrantRow{Grant: g})
}

// UpdateClientGrant implements client.Store.
func (db *DB) UpdateClientGrant(ctx context.Context, g client.Grant) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&clientGrantRow{Grant: g}).
		Column("scopes", "resources", "document_hash", "updated_at").Where("cg.id = ?", g.ID))
}

// TouchClientGrant implements client.Store.
func (db *DB) TouchClientGrant(ctx context.Context, id identity.ID, at time.Time) error {
	var w bun.IDB = db.write
	if inTx(ctx) != nil {
		w = db.writer(ctx)
	}
	return db.execDeferred(ctx, w.NewUpdate().Model((*clientGrantRow)(nil)).Set("last_used_at = ?", at).
		Where("cg.id = ? AND (cg.last_used_at IS NULL OR cg.last_used_at < ?)", id, at))
}

// ClientGrants implements client.Store.
func (db *DB) ClientGrants(ctx context.Context, user identity.ID, p identity.Page) ([]client.GrantWithClient, error) {
	var grants []clientGrantRow
	q := db.reader(ctx).NewSelect().Model(&grants).Where("cg.user_id = ? AND cg.revoked_at IS NULL", user)
	if err := newestFirst(q, "cg.id", p).Scan(ctx); err != nil || len(grants) == 0 {
		return nil, db.engine.normalise(err)
	}
	var clients []oauthClientRow
	ids := rowsOf(grants, func(r clientGrantRow) string { return r.ClientID })
	if err := db.reader(ctx).NewSelect().Model(&clients).Where("c.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, db.engine.normalise(err)
	}
	of := map[string]client.Client{}
	for _, c := range clients {
		of[c.ID] = c.Client
	}
	return rowsOf(grants, func(r clientGrantRow) client.GrantWithClient {
		return client.GrantWithClient{Grant: r.Grant, Client: of[r.ClientID]}
	}), nil
}

// RevokeClientGrants implements client.Store.
func (db *DB) RevokeClientGrants(ctx context.Context, of client.Of, at time.Time) ([]identity.ID, error) {
	q := db.writer(ctx).NewUpdate().Model((*clientGrantRow)(nil)).Set("revoked_at = ?", at).Where("cg.revoked_at IS NULL")
	switch {
	case of.Grant != nil:
		q = q.Where("cg.id = ?", *of.Grant)
	case of.User != nil:
		q = q.Where("cg.user_id = ?", *of.User)
	default:
		q = q.Where("cg.client_id = ?", of.Client)
	}
	var ids []identity.ID
	err := q.Returning("id").Scan(ctx, &ids)
	return ids, db.engine.normalise(err)
}

// RevokeGrantsOf implements linking.MergeStore.
func (db *DB) RevokeGrantsOf(ctx context.Context, user identity.ID, at time.Time) error {
	_, err := db.RevokeClientGrants(ctx, client.Of{User: &user}, at)
	return err
}

// RevokeTeamGrants implements team.Store.
func (db *DB) RevokeTeamGrants(ctx context.Context, team identity.ID, user *identity.ID, at time.Time) error {
	q := db.writer(ctx).NewUpdate().Model((*clientGrantRow)(nil)).Set("revoked_at = ?", at).Where("cg.team_id = ? AND cg.revoked_at IS NULL", team)
	if user != nil {
		q = q.Where("cg.user_id = ?", *user)
	} else { // by the members: the index begins with the user
		q = q.Where("cg.user_id IN (SELECT m.user_id FROM memberships AS m WHERE m.team_id = ?)", team)
	}
	return db.execDeferred(ctx, q)
}

// EndApplicationSessions implements client.Store.
func (db *DB) EndApplicationSessions(ctx context.Context, of client.Of, reason string, at time.Time) (int, error) {
	if of.Grant != nil {
		return db.endApplications(ctx, reason, at, "s.grant_id = ?", *of.Grant)
	}
	return db.endApplications(ctx, reason, at, "s.client_id = ?", of.Client)
}
