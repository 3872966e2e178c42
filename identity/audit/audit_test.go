package audit_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// The example of docs/audit.md: following the text gives these bytes.
func TestExampleOfTheDocumentation(t *testing.T) {
	t.Parallel()
	id := func(last byte) identity.ID { return identity.ID{0x01, 0x95, 6: 0x70, 8: 0x80, 15: last} }
	e := identity.Event{
		ID: id(1), At: time.Date(2026, 3, 1, 12, 30, 45, 120000000, time.UTC), Action: identity.ActionTeamCreated,
		ActorID: new(id(2)), UserID: new(id(2)), TeamID: new(id(3)), SessionID: new(id(4)),
		IP: "192.0.2.1", UserAgent: "curl/8.0", Data: identity.Metadata{"name": "Keys & <Locks>"},
	}
	first, err := audit.Follow(e, 0, audit.Genesis())
	if err != nil {
		t.Fatal(err)
	}
	const want = "96edc12aba02cdd53d1117c5a2ed152da635ea0a53508a3c1d030d9532fcb7d9"
	if got := hex.EncodeToString(first.Hash); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	line, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(docs), string(line)+"\n") || !strings.Contains(string(docs), want) {
		t.Errorf("docs/audit.md does not show %s", line)
	}
}

// trail is a store with one chain of n events, made as they are read.
type trail struct {
	audit.Store
	n       int64
	largest int // page that was asked for
	at      int64
	hash    []byte
	seals   int
}

func (s *trail) event(seq int64) identity.Event {
	return identity.Event{ID: identity.NewID(), At: time.Unix(seq, 0), Action: "x", UserAgent: strings.Repeat("a", 500)}
}

func (s *trail) Newest(context.Context) (*audit.Place, error) { return &audit.Place{}, nil }

func (s *trail) Sealed(context.Context, audit.Place) (bool, error) { return s.seals > 0, nil }

func (s *trail) SealEvents(context.Context, int) (int, error) { s.seals++; return 0, nil }

func (s *trail) Chained(_ context.Context, _ audit.Filter, after audit.Position, limit int) ([]audit.Record, error) {
	s.largest = max(s.largest, limit)
	if after.Seq != s.at {
		return nil, fmt.Errorf("asked for what follows %d, has given %d", after.Seq, s.at)
	}
	if s.hash == nil {
		s.hash = audit.Genesis()
	}
	var out []audit.Record
	for len(out) < limit && s.at < s.n {
		r, err := audit.Follow(s.event(s.at), s.at, s.hash)
		if err != nil {
			return nil, err
		}
		out, s.at, s.hash = append(out, r), *r.Seq, r.Hash
	}
	return out, nil
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Exporting and verifying take the same memory for any number of events.
func TestExportInConstantMemory(t *testing.T) {
	const events = 20_000
	store := &trail{n: events}
	r, w := io.Pipe()
	go func() {
		lines := json.NewEncoder(w)
		_ = w.CloseWithError(audit.NewService(store).Export(context.Background(), audit.Filter{}, func(rows []audit.Record) error {
			for _, row := range rows {
				if err := lines.Encode(row); err != nil {
					return err
				}
			}
			return nil
		}))
	}()
	before, peak, read := heap(), uint64(0), 0
	n, err := audit.VerifyExport(io.TeeReader(r, writer(func(p []byte) {
		if read += len(p); read > 2<<20 {
			read, peak = 0, max(peak, heap())
		}
	})), audit.Report{Broken: func(b audit.Break) { t.Error(b) }, Whole: func(h audit.Head) {
		if h.Seq != events || string(h.Hash) != string(store.hash) {
			t.Errorf("ends with %d, %x", h.Seq, h.Hash)
		}
	}})
	if err != nil || n != events || store.seals != 1 {
		t.Fatalf("%d events, %v, %d seals", n, err, store.seals)
	}
	if grown := int64(peak) - int64(before); peak == 0 || grown > 6<<20 || store.largest > 1000 {
		t.Errorf("the heap grew by %d bytes, pages of %d", grown, store.largest)
	}
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestExportEndsAtTheFirstError(t *testing.T) {
	t.Parallel()
	store, gone, pages := &trail{n: 5000}, errors.New("gone"), 0
	err := audit.NewService(store).Export(t.Context(), audit.Filter{}, func([]audit.Record) error {
		if pages++; pages == 2 {
			return gone
		}
		return nil
	})
	if !errors.Is(err, gone) || store.at >= 5000 {
		t.Errorf("%v, at event %d", err, store.at)
	}
}

func TestVerifyExportRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	whole, err := audit.Follow(identity.Event{}, 0, audit.Genesis())
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"no JSON": "x", "no object": "[]", "empty": "{}", "another format": strings.Replace(string(line), `"v":1`, `"v":2`, 1),
		"not chained": strings.Replace(string(line), `"seq":1`, `"seq":null`, 1), "no hash": strings.Replace(string(line), `"hash"`, `"hush"`, 1),
		"odd hash": strings.Replace(string(line), `"hash":"`, `"hash":"x`, 1), "an endless line": strings.Repeat("a", 2<<20),
	} {
		broken := 0
		report := audit.Report{Broken: func(audit.Break) { broken++ }, Whole: func(audit.Head) {}}
		if n, err := audit.VerifyExport(strings.NewReader(string(line)+"\n"+bad), report); err == nil || n != 1 || broken != 0 {
			t.Errorf("%s: %d events, %d broken, %v", name, n, broken, err)
		}
	}
	// An unknown field is a change, too.
	broken := 0
	report := audit.Report{Broken: func(audit.Break) { broken++ }, Whole: func(audit.Head) {}}
	if _, err := audit.VerifyExport(strings.NewReader(strings.Replace(string(line), `{`, `{"extra":1,`, 1)), report); err != nil || broken != 1 {
		t.Errorf("%d broken, %v", broken, err)
	}
}
