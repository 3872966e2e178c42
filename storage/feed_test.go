package storage_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/webhook"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func publish(t *testing.T, d *storagetest.Database) {
	t.Helper()
	if err := feed.NewService(d.DB, d.Clock.Now).Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func happen(d *storagetest.Database, actions ...identity.Action) []identity.Event {
	out := make([]identity.Event, len(actions))
	for i, a := range actions {
		out[i] = identity.Event{ID: identity.NewID(), At: d.Clock.Now(), Action: a, Data: identity.Metadata{}}
	}
	return out
}

func record(t *testing.T, d *storagetest.Database, events ...identity.Event) {
	t.Helper()
	d.Do(t, func(ctx context.Context) error { return d.RecordEvents(ctx, events...) })
}

// readAll reads the feed as an application does, a few at a time.
func readAll(t *testing.T, d *storagetest.Database, after int64, types ...feed.Type) (events []feed.Event, next int64) {
	t.Helper()
	s := feed.NewService(d.DB, d.Clock.Now)
	for {
		page, to, err := s.Read(t.Context(), feed.Query{After: after, Types: types, Limit: 3}, nil)
		if err != nil {
			t.Fatal(err)
		}
		events, after = append(events, page...), to
		if len(page) < 3 {
			return events, after
		}
	}
}

// What commits is in the feed once, in one order without gaps; what was rolled back, and
// what is no event, is not.
func TestFeedHasWhatCommitted(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		const writers, each = 8, 5
		ctx := t.Context()
		committed := make([][]identity.Event, writers)
		done := make(chan struct{})
		var seen []feed.Event
		go func() { // the publisher of one replica, with a reader
			defer close(done)
			s := feed.NewService(d.DB, d.Clock.Now)
			for after := int64(0); len(seen) < writers*each; {
				if err := s.Publish(ctx); err != nil {
					t.Error(err)
					return
				}
				page, next, err := s.Read(ctx, feed.Query{After: after, Limit: 7}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				seen, after = append(seen, page...), next
				if ctx.Err() != nil {
					return
				}
			}
		}()
		testkit.Together(writers, func(n int) {
			for range each {
				events := happen(d, identity.ActionTeamCreated, identity.ActionProofRefused)
				d.Do(t, func(ctx context.Context) error { return d.RecordEvents(ctx, events...) })
				committed[n] = append(committed[n], events[0])
				undone := d.InTx(ctx, func(ctx context.Context) error {
					return errors.Join(d.RecordEvents(ctx, happen(d, identity.ActionTeamDeleted)...), errors.New("no"))
				})
				if undone == nil {
					t.Error("it was not rolled back")
				}
				if err := feed.NewService(d.DB, d.Clock.Now).Publish(ctx); err != nil { // another replica
					t.Error(err)
				}
			}
		})
		select {
		case <-done:
		case <-time.After(2 * time.Minute):
			t.Fatalf("%d of %d events came", len(seen), writers*each)
		}
		want := map[identity.ID]bool{}
		for _, events := range committed {
			for _, e := range events {
				want[e.ID] = true
			}
		}
		for i, e := range seen {
			if e.Seq != int64(i+1) || !want[e.ID] || e.Type != feed.TeamCreated {
				t.Fatalf("event %d: %+v", i, e)
			}
			delete(want, e.ID)
		}
		if rest, _ := readAll(t, d, 0); len(rest) != len(seen) {
			t.Errorf("%d events, and then %d", len(seen), len(rest))
		}
	})
}

// An event of a transaction that began earlier and ends later comes behind, and is not
// missed by who has read what is there.
func TestFeedWaitsForWhoBeganEarlier(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		if d.Engine != storagetest.Postgres {
			t.Skip("SQLite has one writer")
		}
		early, late := happen(d, identity.ActionTeamCreated), happen(d, identity.ActionTeamDeleted)
		d.Do(t, func(ctx context.Context) error {
			if err := d.RecordEvents(ctx, early...); err != nil {
				return err
			}
			if _, err := d.LockUsers(ctx); err != nil { // what waited to be sent is
				return err
			}
			record(t, d, late...)
			publish(t, d)
			if events, next := readAll(t, d, 0); len(events) != 0 || next != 0 {
				t.Errorf("published before it is final: %v, next %d", events, next)
			}
			if oldest, err := d.FeedBacklog(t.Context()); err != nil || oldest.IsZero() {
				t.Errorf("nothing waits: %v, %v", oldest, err)
			}
			return nil
		})
		publish(t, d)
		if events, _ := readAll(t, d, 0); len(events) != 2 || events[0].ID != early[0].ID || events[1].ID != late[0].ID {
			t.Errorf("%v", events)
		}
		if oldest, err := d.FeedBacklog(t.Context()); err != nil || !oldest.IsZero() {
			t.Errorf("it waits still: %v, %v", oldest, err)
		}
	})
}

func TestReadingTheFeed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		s := feed.NewService(d.DB, d.Clock.Now)
		for range 4 {
			record(t, d, happen(d, identity.ActionTeamCreated, identity.ActionMemberAdded)...)
		}
		publish(t, d)
		events, next := readAll(t, d, 0, feed.MemberAdded)
		if len(events) != 4 || next != 8 {
			t.Errorf("of one type: %v, next %d", events, next)
		}
		if events, next := readAll(t, d, 8); len(events) != 0 || next != 8 {
			t.Errorf("behind all: %v, next %d", events, next)
		}
		for name, q := range map[string]feed.Query{"a type that is none": {Types: []feed.Type{"user.gone"}, Limit: 1}, "a seq to come": {After: 9, Limit: 1}} {
			if _, _, err := s.Read(t.Context(), q, nil); identity.ErrorCode(err) != identity.CodeInvalidRequest {
				t.Errorf("%s: %v", name, err)
			}
		}

		// A reader that waits is woken, and one that has waited long enough leaves.
		woken := make(chan []feed.Event)
		go func() {
			events, _, err := s.Read(t.Context(), feed.Query{After: 8, Limit: 10, Wait: time.Minute}, nil)
			if err != nil {
				t.Error(err)
			}
			woken <- events
		}()
		record(t, d, happen(d, identity.ActionTeamDeleted)...)
		publish(t, d)
		for waiting := true; waiting; {
			s.Wake()
			select {
			case events := <-woken:
				if waiting = false; len(events) != 1 || events[0].Type != feed.TeamDeleted {
					t.Errorf("woken with %v", events)
				}
			case <-time.After(time.Millisecond):
			}
		}
		if events, next, err := s.Read(t.Context(), feed.Query{After: 9, Limit: 1, Wait: time.Millisecond}, nil); len(events) != 0 || next != 9 || err != nil {
			t.Errorf("after waiting: %v, %d, %v", events, next, err)
		}

		// What is old goes, and a reader that would miss something gets an error.
		d.Clock.Advance(feed.Keep + time.Hour)
		record(t, d, happen(d, identity.ActionTeamCreated)...)
		publish(t, d)
		if _, err := d.Sweep(t.Context(), d.Clock.Now(), d.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Read(t.Context(), feed.Query{After: 7, Limit: 1}, nil); identity.ErrorCode(err) != identity.CodeEventsExpired {
			t.Errorf("what is gone is not said to be: %v", err)
		}
		for _, after := range []int64{0, 9} {
			if events, next := readAll(t, d, after); len(events) != 1 || next != 10 {
				t.Errorf("after %d: %v, next %d", after, events, next)
			}
		}
	})
}

func hook(t *testing.T, d *storagetest.Database, types ...string) webhook.Webhook {
	t.Helper()
	w := webhook.Webhook{
		ID: identity.NewID(), URL: "https://app.example.com/" + storagetest.Word(), Types: types, Status: webhook.Enabled,
		Secret: []byte("sealed"), CreatedAt: d.Clock.Now(), UpdatedAt: d.Clock.Now(),
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertWebhook(ctx, w) })
	return w
}

func due(t *testing.T, d *storagetest.Database, w webhook.Webhook) []webhook.EventDelivery {
	t.Helper()
	out, err := d.DueDeliveries(t.Context(), w.ID, d.Clock.Now(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Deliveries come into being with the feed, for those who want the event.
func TestDeliveriesOfTheFeed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		all, some, off := hook(t, d), hook(t, d, "member.added"), hook(t, d)
		off.Status, off.DisabledReason = webhook.Disabled, webhook.ByHand
		d.Do(t, func(ctx context.Context) error { return d.UpdateWebhook(ctx, off) })
		events := happen(d, identity.ActionTeamCreated, identity.ActionMemberAdded, identity.ActionWebhookTested)
		events[2].Data["webhook_id"] = some.ID
		record(t, d, events...)
		publish(t, d)
		for name, want := range map[string]struct {
			of    webhook.Webhook
			types []feed.Type
		}{
			"all":      {all, []feed.Type{feed.TeamCreated, feed.MemberAdded}},
			"some":     {some, []feed.Type{feed.MemberAdded, feed.Test}},
			"disabled": {off, nil},
		} {
			var got []feed.Type
			for _, e := range due(t, d, want.of) {
				got = append(got, e.Event.Type)
			}
			if !slices.Equal(got, want.types) {
				t.Errorf("%s: %v, want %v", name, got, want.types)
			}
		}
		if ids, err := d.DueWebhooks(t.Context(), d.Clock.Now()); err != nil || len(ids) != 2 || slices.Contains(ids, off.ID) {
			t.Errorf("due: %v, %v", ids, err)
		}

		// One replica at a time.
		first, second := identity.NewID(), identity.NewID()
		lease := func(replica identity.ID) (held bool) {
			d.Do(t, func(ctx context.Context) (err error) {
				held, err = d.LeaseWebhook(ctx, all.ID, replica, d.Clock.Now(), d.Clock.Now().Add(time.Minute))
				return err
			})
			return held
		}
		if !lease(first) || lease(second) || !lease(first) {
			t.Error("two replicas deliver to one webhook")
		}
		if ids, err := d.DueWebhooks(t.Context(), d.Clock.Now()); err != nil || len(ids) != 1 {
			t.Errorf("due while another delivers: %v, %v", ids, err)
		}
		d.Clock.Advance(2 * time.Minute) // and the first has died
		if !lease(second) || lease(first) {
			t.Error("a lease that ended is not free")
		}
		d.Do(t, func(ctx context.Context) error { return d.ReleaseWebhook(ctx, all.ID, second) })
		if !lease(first) {
			t.Error("a lease that was given back is not free")
		}

		// The log goes after a month.
		d.Clock.Advance(webhook.KeepDeliveries)
		if _, err := d.Sweep(t.Context(), d.Clock.Now(), d.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if n := d.Count(t, "webhook_deliveries"); n != 0 {
			t.Errorf("%d deliveries are left", n)
		}
	})
}

// The feed says what the application sees of a user, until they are erased.
func TestErasingEmptiesTheFeed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w, u := hook(t, d), d.User(t, func(u *identity.User) { u.DisplayName = "Ada Lovelace" })
		e := happen(d, identity.ActionUserCreated)
		e[0].UserID = &u.ID
		record(t, d, e...)
		publish(t, d)
		events, _ := readAll(t, d, 0)
		if about, _ := events[0].Data["user"].(map[string]any); about["display_name"] != "Ada Lovelace" || about["id"] != u.ID.String() {
			t.Fatalf("%v", events[0].Data)
		}
		sent := due(t, d, w)[0].Delivery
		sent.ResponseBody, sent.Error = "hello Ada", "Ada"
		d.Do(t, func(ctx context.Context) error { return d.UpdateDelivery(ctx, sent) })
		d.Do(t, func(ctx context.Context) error {
			u.Status = identity.StatusDisabled
			if err := d.UpdateUser(ctx, u); err != nil {
				return err
			}
			return d.Erase(ctx, []identity.ID{u.ID}, func(string) string { return storagetest.Word() }, d.Clock.Now())
		})
		events, _ = readAll(t, d, 0)
		if len(events) != 1 || len(events[0].Data) != 1 || events[0].Data["user_id"] != u.ID.String() {
			t.Errorf("after erasing: %v", events)
		}
		if left := due(t, d, w)[0]; left.ResponseBody != "" || left.Error != "" {
			t.Errorf("the delivery has %+v", left)
		}
	})
}
