package api

import (
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/ratelimit"
)

// What is not limited by address is named here, so that nothing is by accident.
func TestWhatIsNotLimited(t *testing.T) {
	t.Parallel()
	operations, err := loadOperations()
	if err != nil {
		t.Fatal(err)
	}
	unlimited := []string{
		"getSession",        // asked with every request of an application, often by one backend for everybody
		"forwardAuth",       // by a proxy with every request that it lets through
		"healthz", "readyz", // asked by what starts and stops us
	}
	for _, op := range operations {
		id := op.route.Operation.OperationID
		if (op.rate == nil) != slices.Contains(unlimited, id) {
			t.Errorf("%s: limit %+v", id, op.rate)
		}
	}
}

func TestRatePolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method    string
		extension any
		want      string // "" for none
	}{
		{http.MethodGet, nil, "read"}, {http.MethodPost, nil, "write"}, {http.MethodDelete, nil, "write"},
		{http.MethodPost, "proof", "proof"}, {http.MethodGet, "none", ""},
	} {
		p, err := ratePolicy(c.method, c.extension)
		if err != nil || (p == nil) != (c.want == "") || p != nil && p.name != c.want {
			t.Errorf("%s %v: %+v, %v", c.method, c.extension, p, err)
		}
	}
	for _, bad := range []any{"prof", "", 1, []any{"proof"}} {
		if p, err := ratePolicy(http.MethodPost, bad); err == nil {
			t.Errorf("%v is taken for %+v", bad, p)
		}
	}
}

// A key is kept no shorter than its window.
func TestWindowsAreKept(t *testing.T) {
	t.Parallel()
	var limits []ratelimit.Limit
	for _, p := range byName {
		limits = append(limits, p.limit)
	}
	for _, l := range byAddress {
		limits = append(limits, l)
	}
	for _, l := range limits {
		if l.Window > ratelimit.MaxWindow || l.Window < time.Second || l.Quota < 1 {
			t.Errorf("%+v", l)
		}
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "::1": "::/64",
	} {
		if got := network(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if got := network(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
}
