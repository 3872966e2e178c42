package session_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// What no index finds is looked for in a bounded number of sessions a page, and all of
// it is found.
func TestListsWalkABoundedNumberOfSessions(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u := f.User(t)
		var rare []identity.ID // newest first
		for n := range 14 {
			s := f.Session(t, u.ID, func(s *session.Session) {
				s.IP = "198.51.100.8"
				if n%6 == 0 {
					s.IP, s.UserAgent, s.Methods = "198.51.100.7", "curl/8.5.0", session.Methods{"gitlab"}
				}
			})
			if n%6 == 0 {
				rare = append([]identity.ID{s.ID}, rare...)
			}
		}
		f.Clock.Advance(time.Second)
		service := f.Walking(4)
		for name, c := range map[string]struct {
			filter session.Filter
			pages  int
		}{
			"device":             {session.Filter{Device: "curl"}, 4},
			"provider":           {session.Filter{Provider: "gitlab"}, 4},
			"device of a user":   {session.Filter{Device: "curl", UserID: &u.ID}, 1},
			"by id":              {session.Filter{Device: "curl", IDs: rare}, 1},
			"provider and state": {session.Filter{Provider: "gitlab", Status: session.StatusActive}, 4},
			// What leaves out nothing else makes no list short.
			"provider, of late":   {session.Filter{Provider: "gitlab", NewerThan: lifetime}, 4},
			"device, of long ago": {session.Filter{Device: "curl", OlderThan: time.Nanosecond}, 4},
			"everywhere":          {session.Filter{Device: "curl", Network: netip.MustParsePrefix("0.0.0.0/0")}, 4},
			"a crowded network":   {session.Filter{Device: "curl", Network: netip.MustParsePrefix("198.51.100.0/24"), NewerThan: lifetime}, 4},
			// Few enough are there.
			"a network":            {session.Filter{Network: netip.MustParsePrefix("198.51.100.7/32")}, 1},
			"a network, of device": {session.Filter{Device: "curl", Network: netip.MustParsePrefix("198.51.100.7/32")}, 1},
		} {
			var found []identity.ID
			page, pages := identity.Page{Limit: 10}, 0
			for {
				rows, next, err := service.ListAll(t.Context(), c.filter, page)
				if err != nil {
					t.Fatal(err)
				}
				pages++
				for _, r := range rows {
					found = append(found, r.ID)
				}
				if page.After = next; next == nil {
					break
				}
			}
			storagetest.Same(t, found, rare)
			if pages != c.pages {
				t.Errorf("%s: %d pages, want %d", name, pages, c.pages)
			}
		}
		// A full page ends where it is full.
		rows, next, err := service.ListAll(t.Context(), session.Filter{Status: session.StatusActive}, identity.Page{Limit: 2})
		if err != nil || len(rows) != 2 || next == nil || *next != rows[1].ID {
			t.Errorf("%d rows, next %v, %v", len(rows), next, err)
		}
	})
}
