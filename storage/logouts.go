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
	sessions := map[appUser][]identity.ID{}
	var places []appUser
	var names []string
	for _, e := range ended {
		if e.ClientID == nil {
			continue
		}
		p := appUser{*e.ClientID, e.UserID}
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
	var several []appUser
	for _, c := range notified {
		for _, p := range places {
			if p.client == c.ID && len(sessions[p]) > 1 {
				several = append(several, p)
			}
		}
	}
	open, err := db.openAmong(ctx, several)
	if err != nil {
		return err
	}
	var tasks []identity.Task
	for _, c := range notified {
		for _, p := range places {
			if p.client != c.ID {
				continue
			}
			logout := identity.Logout{ClientID: c.ID, URI: c.BackchannelURI, Alg: c.IDTokenAlg, Subject: p.user}
			all := len(sessions[p]) > 1 && !open[p] // then one token names them all
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

// appUser is a user of an application.
type appUser struct {
	client string
	user   identity.ID
}

// openAmong returns which of these have an open session still.
func (db *DB) openAmong(ctx context.Context, places []appUser) (map[appUser]bool, error) {
	if len(places) == 0 {
		return nil, nil
	}
	var rows []struct {
		ClientID string
		UserID   identity.ID
	}
	clients, users := rowsOf(places, func(p appUser) string { return p.client }), rowsOf(places, func(p appUser) identity.ID { return p.user })
	err := db.reader(ctx).NewSelect().Model((*sessionRow)(nil)).Distinct().Column("client_id", "user_id").
		Where("s.client_id IN (?) AND s.user_id IN (?) AND s.kind = ?", bun.List(clients), bun.List(users), session.KindApplication).
		Where(openSession).Scan(ctx, &rows)
	out := map[appUser]bool{}
	for _, r := range rows {
		out[appUser{r.ClientID, r.UserID}] = true
	}
	return out, db.engine.normalise(err)
}
