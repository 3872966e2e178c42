package storage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// logoutLifetime is how long an application may be down before it is no longer notified.
const logoutLifetime = 24 * time.Hour

// endedRow is a session that has just ended.
type endedRow struct {
	ID, UserID identity.ID
	ClientID   *string
}

// OnLogout has f called after each commit that leaves logouts to be sent.
func (db *DB) OnLogout(f func()) { db.wakeLogouts.Store(&f) }

// enqueueLogouts leaves a task for each application that is to be notified of the sessions
// that have just ended. However they end, it is here: the update that ends them and
// the task commit together.
func (db *DB) enqueueLogouts(ctx context.Context, ended []endedRow, at time.Time) error {
	type place struct {
		client string
		user   identity.ID
	}
	sessions := map[place][]identity.ID{}
	var places []place
	var names []string
	for _, e := range ended {
		if e.ClientID == nil {
			continue
		}
		p := place{*e.ClientID, e.UserID}
		if sessions[p] == nil {
			places, names = append(places, p), append(names, p.client)
		}
		sessions[p] = append(sessions[p], e.ID)
	}
	if len(places) == 0 {
		return nil
	}
	var notified []struct{ ID, BackchannelURI, IDTokenAlg string }
	err := db.reader(ctx).NewSelect().Model((*oauthClientRow)(nil)).Column("id", "backchannel_uri", "id_token_alg").
		Where("c.id IN (?) AND c.backchannel_uri <> ''", bun.List(names)).Scan(ctx, &notified)
	if err = db.engine.normalise(err); err != nil || len(notified) == 0 {
		return err
	}
	var tasks []identity.Task
	for _, c := range notified {
		for _, p := range places {
			if p.client != c.ID {
				continue
			}
			logout := identity.Logout{ClientID: c.ID, URI: c.BackchannelURI, Alg: c.IDTokenAlg, Subject: p.user}
			all := false
			if len(sessions[p]) > 1 {
				if all, err = db.noneOpenAt(ctx, p.client, p.user); err != nil {
					return err
				}
			}
			for _, id := range sessions[p] {
				one := logout
				if !all {
					one.Session = &id
				}
				payload, err := json.Marshal(one)
				if err != nil {
					return err
				}
				tasks = append(tasks, identity.Task{ID: identity.NewID(), Kind: identity.TaskLogout, Payload: payload, CreatedAt: at, NextAttemptAt: at, ExpiresAt: at.Add(logoutLifetime)})
				if all {
					break
				}
			}
		}
	}
	if wake := db.wakeLogouts.Load(); wake != nil {
		db.AfterCommit(ctx, *wake)
	}
	return db.EnqueueTasks(ctx, tasks...)
}

// noneOpenAt reports whether a user has no open session at a client.
func (db *DB) noneOpenAt(ctx context.Context, clientID string, user identity.ID) (bool, error) {
	open, err := db.reader(ctx).NewSelect().Model((*sessionRow)(nil)).
		Where("s.client_id = ? AND s.user_id = ? AND s.kind = ?", clientID, user, session.KindApplication).Where(openSession).Exists(ctx)
	return !open, db.engine.normalise(err)
}
