package figures

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
)

func TestCounts(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 1, 12, 10, 0, 0, time.FixedZone("east", 5400))
	signIn := func(provider any, at time.Time) identity.Event {
		return identity.Event{Action: identity.ActionSessionCreated, At: at, Data: identity.Metadata{"provider": provider}}
	}
	got := Counts([]identity.Event{
		signIn("google", at), signIn("google", at.Add(10*time.Minute)), signIn("github", at), signIn("google", at.Add(time.Hour)),
		signIn(strings.Repeat("x", maxDetail+1), at), signIn(7, at),
		{Action: identity.ActionTeamUpdated, At: at},
		{Action: identity.ActionUserMerged, At: at, Data: identity.Metadata{"reason": "self"}},
	})
	hour := time.Date(2030, 1, 1, 10, 0, 0, 0, time.UTC)
	want := []Count{
		{hour, identity.ActionSessionCreated, "", 2, at.UTC()},
		{hour, identity.ActionSessionCreated, "github", 1, at.UTC()},
		{hour, identity.ActionSessionCreated, "google", 2, at.Add(10 * time.Minute).UTC()},
		{hour, identity.ActionUserMerged, "", 1, at.UTC()},
		{hour.Add(time.Hour), identity.ActionSessionCreated, "google", 1, at.Add(time.Hour).UTC()},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

func TestOverviewOfCounts(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 31, 12, 30, 0, 0, time.UTC)
	today := now.Truncate(24 * time.Hour)
	count := func(ago time.Duration, action identity.Action, detail string, n int) Count {
		return Count{now.Add(-ago).Truncate(time.Hour), action, detail, n, now.Add(-ago)}
	}
	got := overview([]Count{
		count(29*24*time.Hour, identity.ActionSessionCreated, "google", 3),
		count(30*24*time.Hour, identity.ActionSessionCreated, "google", 99),
		count(25*time.Hour, identity.ActionSessionCreated, "github", 2),
		count(time.Hour, identity.ActionSessionCreated, "google", 4),
		count(time.Hour, identity.ActionProofRefused, "contested_address", 1),
		count(40*time.Hour, identity.ActionProofRefused, "policy_confirm", 5),
	}, today, now)
	if len(got.SignIns) != Days || !got.SignIns[Days-1].Day.Equal(today) || got.SignIns[0].Counts["google"] != 3 ||
		got.SignIns[Days-2].Counts["github"] != 2 || got.SignIns[Days-1].Counts["google"] != 4 {
		t.Errorf("days: %v", got.SignIns)
	}
	if got.LastDay != 4 || got.RefusedDay != 1 || !slices.Equal(got.Refusals, []Named{{"policy_confirm", 5}, {"contested_address", 1}}) {
		t.Errorf("%d, %d, %v", got.LastDay, got.RefusedDay, got.Refusals)
	}
	if want := []LastSuccess{{"github", now.Add(-25 * time.Hour)}, {"google", now.Add(-time.Hour)}}; !slices.Equal(got.LastSuccess, want) {
		t.Errorf("%v", got.LastSuccess)
	}
}

// slowStore takes a while to count, on a clock of its own.
type slowStore struct {
	at     time.Time
	takes  time.Duration
	counts int
}

func (s *slowStore) EventCounts(context.Context, time.Time) ([]Count, error) { return nil, nil }

func (s *slowStore) FiguresNow(context.Context, time.Time) (Now, error) {
	s.counts++
	s.at = s.at.Add(s.takes)
	return Now{}, nil
}

// What takes long is counted the less often.
func TestHowOftenIsCounted(t *testing.T) {
	t.Parallel()
	for takes, keep := range map[time.Duration]time.Duration{0: 15 * time.Second, 500 * time.Millisecond: 15 * time.Second, 2 * time.Second: 40 * time.Second} {
		store := &slowStore{at: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), takes: takes}
		s := NewService(store, func() time.Time { return store.at })
		look := func(after time.Duration, want int) {
			t.Helper()
			store.at = store.at.Add(after)
			if _, err := s.Overview(t.Context()); err != nil || store.counts != want {
				t.Errorf("counting takes %v: counted %d times, want %d (%v)", takes, store.counts, want, err)
			}
		}
		look(0, 1)
		look(keep-time.Second, 1)
		look(time.Second, 2)
		look(-time.Hour, 3) // the clock was set
	}
}
