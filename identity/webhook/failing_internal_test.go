package webhook

import (
	"testing"
	"time"
)

// A series of failures is as long as somebody watched: a pause ends it, a success ends
// it, and the longest time between two attempts of one delivery does not.
func TestFailingSince(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	type attempt struct {
		after  time.Duration // since the start
		status DeliveryStatus
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		attempts []attempt
		since    time.Duration // -1: it does not fail
	}{
		"each day, as late as a retry may be": {[]attempt{{0, Pending}, {264 * day / 240, Pending}, {528 * day / 240, Pending}, {792 * day / 240, Failed}}, 0},
		"each minute for a day and a half":    {[]attempt{{0, Pending}, {time.Minute, Pending}, {59 * time.Minute, Pending}, {day, Pending}, {2*day + time.Hour, Pending}}, 0},
		"days later":                          {[]attempt{{0, Pending}, {5 * day, Pending}}, 5 * day},
		"days later, and again":               {[]attempt{{0, Failed}, {2 * day, Pending}, {2*day + time.Hour, Pending}}, 2 * day},
		"after a success":                     {[]attempt{{0, Pending}, {time.Hour, Delivered}, {2 * time.Hour, Pending}}, 2 * time.Hour},
		"well":                                {[]attempt{{0, Pending}, {time.Hour, Delivered}}, -1},
	} {
		kept := Webhook{} // as the database has it
		for _, a := range c.attempts {
			w := kept
			if w.attempted(Delivery{Status: a.status, AttemptedAt: new(start.Add(a.after))}) {
				kept = w
			}
		}
		switch {
		case c.since < 0 && kept.FailingSince != nil:
			t.Errorf("%s: since %s", name, kept.FailingSince)
		case c.since >= 0 && (kept.FailingSince == nil || !kept.FailingSince.Equal(start.Add(c.since))):
			t.Errorf("%s: since %v, want %s", name, kept.FailingSince, start.Add(c.since))
		}
	}
	// Written by a replica that does not know the latest failure.
	w := Webhook{FailingSince: &start}
	if later := start.Add(9 * day); !w.attempted(Delivery{Status: Pending, AttemptedAt: &later}) || !w.FailingSince.Equal(later) {
		t.Errorf("since %v", w.FailingSince)
	}
}
