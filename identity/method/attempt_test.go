package method_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

var (
	began    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	kinds    = []method.Kind{method.ByRedirect, method.ByWallet, method.ByEmail, method.ByBackend}
	purposes = []identity.Purpose{identity.PurposeSignIn, identity.PurposeLink, identity.PurposeMerge, identity.PurposeStepUp}
	someone  = identity.NewID()
	someones = identity.NewID() // session
)

// requester begins all attempts of these tests.
func requester() method.Requester {
	return method.Requester{Browser: identity.HashSecret("browser"), User: &someone, Session: &someones, Origin: "https://app.example.com"}
}

// returned is what comes back.
type returned struct {
	provider string
	at       method.Requester
	now      time.Time
}

func always(method.Kind, identity.Purpose) bool         { return true }
func never(method.Kind, identity.Purpose) bool          { return false }
func actsOnUser(_ method.Kind, p identity.Purpose) bool { return p != identity.PurposeSignIn }
func namesOrigin(k method.Kind, _ identity.Purpose) bool {
	return k == method.ByWallet || k == method.ByBackend
}

// differences between what was begun and what comes back, by aspect, each with the kinds
// and purposes it counts for. The first of each aspect is no difference.
var differences = [][]struct {
	what   string
	change func(r *returned)
	counts func(k method.Kind, p identity.Purpose) bool
}{
	{
		{"the same provider", func(*returned) {}, never},
		{"another provider", func(r *returned) { r.provider = "other" }, always},
		{"no provider", func(r *returned) { r.provider = "" }, always},
	},
	{
		{"the same browser", func(*returned) {}, never},
		{"another browser", func(r *returned) { r.at.Browser = identity.HashSecret("other") }, always},
		{"a browser that begins alike", func(r *returned) { r.at.Browser = r.at.Browser[:16] }, always},
		{"no browser", func(r *returned) { r.at.Browser = nil }, always},
	},
	{
		{"the same session", func(*returned) {}, never},
		{"another session of the user", func(r *returned) { r.at.Session = new(identity.NewID()) }, actsOnUser},
		{"someone else in that session", func(r *returned) { r.at.User = new(identity.NewID()) }, actsOnUser},
		{"someone else", func(r *returned) { r.at.User, r.at.Session = new(identity.NewID()), new(identity.NewID()) }, actsOnUser},
		{"user and session swapped", func(r *returned) { r.at.User, r.at.Session = r.at.Session, r.at.User }, actsOnUser},
		{"a user without a session", func(r *returned) { r.at.Session = nil }, actsOnUser},
		{"signed out", func(r *returned) { r.at.User, r.at.Session = nil, nil }, actsOnUser},
	},
	{
		{"the same origin", func(*returned) {}, never},
		{"another origin", func(r *returned) { r.at.Origin = "https://other.example.com" }, namesOrigin},
		{"an origin that goes on", func(r *returned) { r.at.Origin += ".evil.example" }, namesOrigin},
		{"no origin", func(r *returned) { r.at.Origin = "" }, namesOrigin},
	},
	{
		{"at once", func(*returned) {}, never},
		{"at the last moment", func(r *returned) { r.now = began.Add(method.Lifetime - 1) }, never},
		{"when it expires", func(r *returned) { r.now = began.Add(method.Lifetime) }, always},
		{"long after", func(r *returned) { r.now = began.AddDate(1, 0, 0) }, always},
	},
}

// Every combination of what can be different, for every kind and purpose: a proof fits
// exactly if nothing that counts is.
func TestProofFitsTheAttemptItWasBegunFor(t *testing.T) {
	t.Parallel()
	fitting, refused := 0, 0
	for _, kind := range kinds {
		for _, purpose := range purposes {
			a, err := method.Begin(kind, "mine", purpose, requester(), began)
			if err != nil {
				t.Fatal(err)
			}
			chosen := make([]int, len(differences))
			for {
				r, want, what := returned{provider: "mine", at: requester(), now: began}, true, []string{}
				for aspect, i := range chosen {
					d := differences[aspect][i]
					d.change(&r)
					want = want && !d.counts(kind, purpose)
					what = append(what, d.what)
				}
				if got := a.Matches(r.provider, r.at, r.now); got != want {
					t.Errorf("%s, %s: %s: fits %t, want %t", kind, purpose, strings.Join(what, ", "), got, want)
				}
				if want {
					fitting++
				} else {
					refused++
				}
				if !next(chosen) {
					break
				}
			}
		}
	}
	if fitting == 0 || refused == 0 {
		t.Errorf("%d fit, %d do not: the table tests nothing", fitting, refused)
	}
}

// next chooses the next combination, and reports whether there was one.
func next(chosen []int) bool {
	for aspect := range chosen {
		if chosen[aspect]++; chosen[aspect] < len(differences[aspect]) {
			return true
		}
		chosen[aspect] = 0
	}
	return false
}

// An attempt that is made for one kind or purpose fits no other, however it was
// changed on the way.
func TestKindAndPurposeAreBound(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, purpose := range purposes {
			a, err := method.Begin(kind, "mine", purpose, requester(), began)
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range append(slices.Clone(purposes), "", "admin") {
				changed := a
				if changed.Purpose = other; changed.Matches("mine", requester(), began) != (other == purpose) {
					t.Errorf("%s, begun for %s, is taken for %s", kind, purpose, other)
				}
			}
			for _, other := range append(slices.Clone(kinds), "", "password") {
				changed := a
				if changed.Kind = other; changed.Matches("mine", requester(), began) != (other == kind) {
					t.Errorf("%s, begun by %s, is taken for %s", purpose, kind, other)
				}
			}
		}
	}
	if (method.Attempt{}).Matches("", requester(), time.Time{}.Add(-1)) {
		t.Error("a proof fits no attempt at all")
	}
}

func TestAttemptIsNotBegun(t *testing.T) {
	t.Parallel()
	without := func(remove func(p *method.Requester)) method.Requester {
		p := requester()
		remove(&p)
		return p
	}
	signedOut := without(func(p *method.Requester) { p.User, p.Session = nil, nil })
	for what, c := range map[string]struct {
		kind     method.Kind
		provider string
		purpose  identity.Purpose
		at       method.Requester
		want     identity.Code
	}{
		"signing in, signed out":             {method.ByRedirect, "p", identity.PurposeSignIn, signedOut, ""},
		"signing in by mail, no origin":      {method.ByEmail, "p", identity.PurposeSignIn, without(func(p *method.Requester) { p.Origin = "" }), ""},
		"linking, signed out":                {method.ByRedirect, "p", identity.PurposeLink, signedOut, identity.CodeUnauthenticated},
		"merging, signed out":                {method.ByWallet, "p", identity.PurposeMerge, signedOut, identity.CodeUnauthenticated},
		"stepping up, signed out":            {method.ByEmail, "p", identity.PurposeStepUp, signedOut, identity.CodeUnauthenticated},
		"stepping up, without a session":     {method.ByEmail, "p", identity.PurposeStepUp, without(func(p *method.Requester) { p.Session = nil }), identity.CodeUnauthenticated},
		"linking, without a user":            {method.ByEmail, "p", identity.PurposeLink, without(func(p *method.Requester) { p.User = nil }), identity.CodeUnauthenticated},
		"no browser":                         {method.ByRedirect, "p", identity.PurposeSignIn, without(func(p *method.Requester) { p.Browser = nil }), identity.CodeInvalidState},
		"a wallet, and no origin":            {method.ByWallet, "p", identity.PurposeSignIn, without(func(p *method.Requester) { p.Origin = "" }), identity.CodeInvalidState},
		"no provider":                        {method.ByRedirect, "", identity.PurposeSignIn, requester(), identity.CodeInvalidState},
		"no purpose":                         {method.ByRedirect, "p", "", requester(), identity.CodeInvalidState},
		"a purpose that there is not":        {method.ByRedirect, "p", "admin", requester(), identity.CodeInvalidState},
		"the same, by one who is signed out": {method.ByRedirect, "p", "admin", signedOut, identity.CodeUnauthenticated},
	} {
		a, err := method.Begin(c.kind, c.provider, c.purpose, c.at, began)
		if identity.ErrorCode(err) != c.want || (err == nil) != (c.want == "") || err != nil && a != (method.Attempt{}) {
			t.Errorf("%s: %+v, %v", what, a, err)
		}
	}
}

// Expiry is in whole seconds, as tokens hold it.
func TestAttemptExpires(t *testing.T) {
	t.Parallel()
	a, err := method.Begin(method.ByWallet, "mine", identity.PurposeSignIn, requester(), began.Add(700*time.Millisecond))
	if err != nil || !a.ExpiresAt.Equal(began.Add(method.Lifetime)) || !a.StartedAt().Equal(began) {
		t.Errorf("%+v, %v", a, err)
	}
}
