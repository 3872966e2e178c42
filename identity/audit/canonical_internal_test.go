package audit

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// The fast way to the canonical form gives the bytes of the general one, or leaves
// the record to it.
func TestCanonicalFormEitherWay(t *testing.T) {
	t.Parallel()
	id := identity.NewID()
	plain := Record{Event: identity.Event{
		ID: id, At: time.Date(2026, 3, 1, 12, 30, 45, 123456000, time.UTC), Action: "session.created", ActorID: &id, UserID: &id, SessionID: &id,
		IP: "2001:db8::1", UserAgent: "Mozilla/5.0 (X11; <Linux> & more's)", Data: identity.Metadata{"provider": "siwe"},
	}, Seq: new(int64(12)), PrevHash: Genesis()}
	for name, c := range map[string]struct {
		change func(r *Record)
		fast   bool
	}{
		"plain":           {func(*Record) {}, true},
		"of a team":       {func(r *Record) { r.TeamID, r.ActorID, r.SessionID = &id, nil, nil }, true},
		"not chained":     {func(r *Record) { r.Seq, r.PrevHash = nil, nil }, true},
		"no data":         {func(r *Record) { r.Data = nil }, true},
		"empty":           {func(r *Record) { *r = Record{} }, true},
		"in another zone": {func(r *Record) { r.At = r.At.Add(999).In(time.FixedZone("far", 3600)) }, true},
		"a whole second":  {func(r *Record) { r.At = r.At.Truncate(time.Second) }, true},
		"all kinds of data": {func(r *Record) {
			r.Data = identity.Metadata{"z": nil, "a": true, "B": "x", "_": 12.0, "deep": map[string]any{"b": []any{1.0, "two", []any{}, map[string]any{}}, "a": false}, "n": -5.0}
		}, true},
		"a quote":          {func(r *Record) { r.UserAgent = `"` }, false},
		"a backslash":      {func(r *Record) { r.Action = `\` }, false},
		"a control":        {func(r *Record) { r.IP = "a\x7f\tb" }, false},
		"beyond ASCII":     {func(r *Record) { r.UserAgent = "é" }, false},
		"no text":          {func(r *Record) { r.UserAgent = "\xff" }, false},
		"a NUL":            {func(r *Record) { r.Data["k"] = "a\x00" }, false},
		"a key in escapes": {func(r *Record) { r.Data["\u2028"] = 1.0 }, false},
		"a fraction":       {func(r *Record) { r.Data["k"] = 0.5 }, false},
		"a large number":   {func(r *Record) { r.Data["k"] = 1e21 }, false},
		"minus zero":       {func(r *Record) { r.Data["k"] = math.Copysign(0, -1) }, false},
		"another type":     {func(r *Record) { r.Data["k"] = id }, false},
		"a far year":       {func(r *Record) { r.At = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) }, false},
	} {
		r := plain
		r.Data = identity.Metadata{"provider": "siwe"}
		c.change(&r)
		fast, ok := r.appendCanonical(nil)
		if ok != c.fast {
			t.Errorf("%s: fast is %t", name, ok)
		}
		want, err := r.slowSum()
		if err != nil {
			if ok {
				t.Errorf("%s: only the fast way works: %v", name, err)
			}
			continue
		}
		if got, err := r.Sum(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x, %v", name, got, want, err)
		}
		if ok {
			if again, err := sum(fast); err != nil || !bytes.Equal(again, want) || !json.Valid(fast) {
				t.Errorf("%s: %s", name, fast)
			}
		}
	}
}

func BenchmarkSum(b *testing.B) {
	id := identity.NewID()
	r := Record{Event: identity.Event{
		ID: id, At: time.Now(), Action: "session.created", ActorID: &id, UserID: &id, SessionID: &id,
		IP: "192.0.2.1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", Data: identity.Metadata{"provider": "siwe", "outcome": "signed_in"},
	}, Seq: new(int64(12)), PrevHash: Genesis()}
	for b.Loop() {
		if _, err := r.Sum(); err != nil {
			b.Fatal(err)
		}
	}
}
