package storage_test

import (
	"context"
	"encoding/hex"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

func testAudit(t *testing.T, d *storagetest.Database) {
	t.Run("a team's events follow each other", func(t *testing.T) { testTeamChain(t, d) })
	t.Run("what rolls back leaves no gap", func(t *testing.T) {
		team := identity.NewID()
		d.Record(t, d.Event(&team))
		err := d.InTx(t.Context(), func(ctx context.Context) error { return errors.Join(d.RecordEvents(ctx, d.Event(&team)), errTest) })
		if !errors.Is(err, errTest) {
			t.Fatal(err)
		}
		runs := 0
		d.Do(t, func(ctx context.Context) error {
			runs++
			if err := d.RecordEvents(ctx, d.Event(&team)); err != nil {
				return err
			}
			if runs < 3 {
				return &storage.ErrConflict{Constraint: "c"}
			}
			return nil
		})
		wantWhole(t, d, &team, 2)
	})
	t.Run("all that JSON can say is read as it was written", func(t *testing.T) {
		team := identity.NewID()
		odd := identity.Metadata{
			"nul": "a\x00b", "html": "<script>&\u2028\u2029", "line": "a\r\nb\x1b[31m", "𝒳": 1, "ﬀ": 2, "é": 3, "\u0080": 4, "": 5,
			"numbers": []any{0.1, 1e21, 1e-7, 1e300, 123456789012345678, math.Copysign(0, -1), 3.0, 100}, "deep": map[string]any{"b": []any{nil, true}, "a": "\\u0000"},
			"id": identity.NewID(), "at": d.Clock.Now(),
		}
		for _, e := range []identity.Event{
			d.Event(&team, func(e *identity.Event) { e.Data = odd }),
			d.Event(&team, func(e *identity.Event) { e.Data = nil }),
			d.Event(&team, func(e *identity.Event) { e.UserAgent = "\"\\<>&\u2028\r\n𝒳" }),
			d.Event(&team, func(e *identity.Event) { e.At = e.At.Add(999).In(time.FixedZone("far", 3600)) }), // 999 ns
			d.Event(&team, func(e *identity.Event) { e.At = e.At.Truncate(time.Second) }),
			d.Event(&team, func(e *identity.Event) { e.ActorID, e.UserID, e.SessionID = nil, e.ActorID, e.ActorID }),
		} {
			d.Record(t, e)
		}
		wantWhole(t, d, &team, 6)
	})
	t.Run("50 writers of a team at once make one chain", func(t *testing.T) { testParallelWriters(t, d) })
	t.Run("without a team they are chained later", func(t *testing.T) { testSealer(t, d) })
	t.Run("they are found by each filter", func(t *testing.T) { testEventFilters(t, d) })
	t.Run("chained ones are read in order", func(t *testing.T) { testChained(t, d) })
}

// wantWhole asserts that a chain is whole and has n events.
func wantWhole(t *testing.T, d *storagetest.Database, chain *identity.ID, n int) {
	t.Helper()
	breaks, events, heads := d.Breaks(t, chain)
	if len(breaks) > 0 || events != n || len(heads) != 1 || heads[0].Seq != int64(n) {
		t.Errorf("%d events, want %d; heads %v; broken: %q", events, n, heads, breaks)
	}
}

func testTeamChain(t *testing.T, d *storagetest.Database) {
	a, b := identity.NewID(), identity.NewID()
	events := []identity.Event{d.Event(&a), d.Event(&b), d.Event(&a), d.Event(&a)}
	d.Record(t, events[0])
	d.Do(t, func(ctx context.Context) error {
		if err := d.RecordEvents(ctx, events[1], events[2]); err != nil {
			return err
		}
		return d.RecordEvents(ctx, events[3])
	})
	d.Seal(t)
	rows := must[[]audit.Link](t)(d.Links(t.Context(), a, 0, 9))
	storagetest.Same(t, idsOf(rows, func(r audit.Link) identity.ID { return r.ID }), []identity.ID{events[0].ID, events[2].ID, events[3].ID})
	before := audit.Genesis()
	for i, r := range rows {
		sum := must[[]byte](t)(r.Sum())
		storagetest.Same(t, []any{*r.Seq, r.PrevHash, r.Hash}, []any{int64(i + 1), before, sum})
		before = r.Hash
	}
	storagetest.Same(t, must[audit.Head](t)(d.Head(t.Context(), a)), audit.Head{Chain: a, Seq: 3, Hash: before})
	wantWhole(t, d, &a, 3)
	wantWhole(t, d, &b, 1)
	if breaks, _, _ := d.Breaks(t, &a, hex.EncodeToString(rows[1].Hash)); len(breaks) > 0 {
		t.Errorf("an earlier head is not found: %q", breaks)
	}
	if breaks, _, _ := d.Breaks(t, &a, hex.EncodeToString(audit.Genesis())); len(breaks) != 1 {
		t.Errorf("what was never a head is found: %q", breaks)
	}
	_, err := d.Head(t.Context(), identity.NewID())
	storagetest.WantNotFound(t, "no head", err)
}

func testParallelWriters(t *testing.T, d *storagetest.Database) {
	const writers, each = 50, 4
	teams := []identity.ID{identity.NewID(), identity.NewID()}
	replicas := []*storage.DB{d.DB, storagetest.Connect(t, d.URL)}
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range each {
				// Half of them name the teams the other way round.
				first, second := teams[i%2], teams[1-i%2]
				err := replicas[i/2%2].InTx(t.Context(), func(ctx context.Context) error {
					if err := d.RecordEvents(ctx, d.Event(&first)); err != nil {
						return err
					}
					return d.RecordEvents(ctx, d.Event(&second), d.Event(nil))
				})
				if err != nil {
					t.Error(err)
				}
				// Verifying meanwhile sees a whole chain, too.
				if breaks, _, _ := d.Breaks(t, &first); len(breaks) > 0 {
					t.Errorf("while it grows: %q", breaks)
				}
			}
		})
	}
	wg.Wait()
	wantWhole(t, d, &teams[0], writers*each)
	wantWhole(t, d, &teams[1], writers*each)
}

func testSealer(t *testing.T, d *storagetest.Database) {
	d.Seal(t)
	start := 0
	if head, err := d.Head(t.Context(), audit.Deployment); err == nil {
		start = int(head.Seq)
	}
	late := d.Event(nil)
	many := make([]identity.Event, 1200) // more than a batch
	for i := range many {
		many[i] = d.Event(nil)
	}
	for i := 0; i < len(many); i += 300 {
		d.Record(t, many[i:i+300]...)
	}
	if b := must[audit.Backlog](t)(d.Backlog(t.Context())); b.Events != len(many) || !b.Oldest.Equal(d.Clock.Now()) {
		t.Errorf("%d wait to be chained, want %d: %+v", b.Events, len(many), b)
	}
	d.Seal(t)
	storagetest.Same(t, must[audit.Backlog](t)(d.Backlog(t.Context())).Events, 0)
	wantWhole(t, d, &audit.Deployment, start+len(many))

	// It had its id before all of them, and commits behind them.
	d.Record(t, late)
	d.Seal(t)
	last := must[[]audit.Link](t)(d.Links(t.Context(), audit.Deployment, int64(start+len(many)), 9))
	storagetest.Same(t, idsOf(last, func(r audit.Link) identity.ID { return r.ID }), []identity.ID{late.ID})

	// Sealers of several replicas, while others write.
	replicas := []*storage.DB{d.DB, storagetest.Connect(t, d.URL), storagetest.Connect(t, d.URL)}
	var wg sync.WaitGroup
	for _, db := range replicas {
		wg.Go(func() {
			for range 20 {
				d.Record(t, d.Event(nil), d.Event(nil))
				if _, err := audit.NewService(db).Seal(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantWhole(t, d, &audit.Deployment, start+len(many)+1+3*20*2)
}

func testEventFilters(t *testing.T, d *storagetest.Database) {
	team, user, actor, sess := identity.NewID(), identity.NewID(), identity.NewID(), identity.NewID()
	at := d.Clock.Now()
	full := d.Event(&team, func(e *identity.Event) {
		e.UserID, e.ActorID, e.SessionID, e.Action, e.IP, e.At = &user, &actor, &sess, "x.y", "2001:db8::1", at
	})
	d.Record(t, full, d.Event(&team, func(e *identity.Event) { e.At = at.Add(-time.Microsecond) }),
		d.Event(new(identity.NewID()), func(e *identity.Event) { e.At = at.Add(-time.Microsecond) }),
		d.Event(nil, func(e *identity.Event) { e.At = at.Add(-time.Microsecond) }))
	d.Seal(t)
	other := identity.NewID()
	for name, c := range map[string]struct{ hit, miss audit.Filter }{
		"team":    {audit.Filter{TeamID: &team, UserID: &user}, audit.Filter{TeamID: &other, UserID: &user}},
		"user":    {audit.Filter{UserID: &user}, audit.Filter{UserID: &other}},
		"actor":   {audit.Filter{ActorID: &actor}, audit.Filter{ActorID: &other}},
		"session": {audit.Filter{SessionID: &sess}, audit.Filter{SessionID: &other}},
		"action":  {audit.Filter{Action: "x.y"}, audit.Filter{TeamID: &team, Action: "x.\x00"}},
		"ip":      {audit.Filter{TeamID: &team, IP: "2001:db8::1"}, audit.Filter{TeamID: &team, IP: "' OR 1=1 --"}},
		"from":    {audit.Filter{TeamID: &team, From: &at}, audit.Filter{TeamID: &team, From: new(at.Add(time.Microsecond))}},
		"to": {
			audit.Filter{TeamID: &team, UserID: &user, To: new(at.Add(time.Microsecond).In(time.FixedZone("far", 7200)))},
			audit.Filter{TeamID: &team, UserID: &user, To: &at},
		},
	} {
		page := identity.Page{Limit: 9}
		read := func(f audit.Filter) []identity.ID {
			listed := must[[]audit.Record](t)(d.Events(t.Context(), f, page))
			chained := must[[]audit.Record](t)(d.Chained(t.Context(), f, audit.Position{}, 9))
			id := func(r audit.Record) identity.ID { return r.ID }
			storagetest.Same(t, idsOf(chained, id), idsOf(listed, id))
			return idsOf(listed, id)
		}
		if got := read(c.hit); len(got) != 1 || got[0] != full.ID {
			t.Errorf("%s: found %v", name, got)
		}
		if got := read(c.miss); len(got) != 0 {
			t.Errorf("%s: found %v though it is another's", name, got)
		}
	}
}

func testChained(t *testing.T, d *storagetest.Database) {
	user := identity.NewID() // of this test
	var teams []identity.ID
	for range 3 {
		teams = append(teams, identity.NewID())
	}
	mine := func(e *identity.Event) { e.UserID = &user }
	for range 4 {
		d.Record(t, d.Event(&teams[2], mine), d.Event(nil, mine), d.Event(&teams[0], mine), d.Event(&teams[1], mine), d.Event(&teams[1]))
	}
	d.Seal(t)
	var got []audit.Record
	for at, more := (audit.Position{}), true; more; {
		rows := must[[]audit.Record](t)(d.Chained(t.Context(), audit.Filter{UserID: &user}, at, 3))
		got = append(got, rows...)
		if more = len(rows) == 3; more {
			at = audit.Position{Chain: audit.Chain(rows[2].Event), Seq: *rows[2].Seq}
		}
	}
	storagetest.Same(t, len(got), 16)
	for i, chain := range []identity.ID{audit.Deployment, teams[0], teams[1], teams[2]} {
		for j, r := range got[i*4 : i*4+4] {
			if audit.Chain(r.Event) != chain || j > 0 && *r.Seq <= *got[i*4+j-1].Seq {
				t.Errorf("event %d is %d of %s", i*4+j, *r.Seq, audit.Name(audit.Chain(r.Event)))
			}
		}
	}
	heads := must[[]audit.Head](t)(d.Heads(t.Context(), nil, 1))
	storagetest.Same(t, heads[0].Chain, audit.Deployment)
	heads = must[[]audit.Head](t)(d.Heads(t.Context(), &teams[0], 99))
	storagetest.Same(t, idsOf(heads[:2], func(h audit.Head) identity.ID { return h.Chain }), teams[1:])
}
