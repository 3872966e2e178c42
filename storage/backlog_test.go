package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/figures"
	"github.com/latchkey/latchkey/identity/webhook"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// What waits is counted, with the time of the oldest; what is done is not.
func TestWaitingNow(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		now := d.Clock.Now()
		oldest := now.Add(-time.Hour)
		storagetest.Same(t, must[figures.Backlog](t)(d.WaitingNow(t.Context())), figures.Backlog{Tasks: map[identity.TaskKind]figures.Waiting{}})
		hook(t, d)
		record(t, d, happen(d, identity.ActionTeamCreated, identity.ActionMemberAdded, identity.ActionTeamDeleted)...)
		publish(t, d)
		for seq, status := range []webhook.DeliveryStatus{webhook.Pending, webhook.Pending, webhook.Delivered} {
			at := []time.Time{now, oldest, oldest.Add(-time.Hour)}[seq]
			if err := d.Exec("UPDATE webhook_deliveries SET status = ?, created_at = ? WHERE seq = (SELECT min(seq) FROM webhook_deliveries) + ?", status, at.UTC().Format("2006-01-02 15:04:05.999999-07:00"), seq); err != nil {
				t.Fatal(err)
			}
		}
		task := func(kind identity.TaskKind, at time.Time) identity.Task {
			return identity.Task{ID: identity.NewID(), Kind: kind, Payload: []byte{1}, CreatedAt: at, NextAttemptAt: now, ExpiresAt: now.Add(time.Hour)}
		}
		d.Do(t, func(ctx context.Context) error {
			return d.EnqueueTasks(ctx, task(identity.TaskMail, now), task(identity.TaskMail, oldest), task(identity.TaskLogout, now))
		})
		storagetest.Same(t, must[figures.Backlog](t)(d.WaitingNow(t.Context())), figures.Backlog{
			Tasks:      map[identity.TaskKind]figures.Waiting{identity.TaskMail: {N: 2, Oldest: &oldest}, identity.TaskLogout: {N: 1, Oldest: &now}},
			Deliveries: figures.Waiting{N: 2, Oldest: &oldest},
		})
	})
}
