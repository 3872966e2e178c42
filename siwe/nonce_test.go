package siwe_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/siwe"
)

var (
	nonceKey = []byte("0123456789abcdef0123456789abcdef")
	binding  = siwe.Binding{Flow: "flow-secret", Session: "", Origin: "https://app.example.com"}
)

func TestNonceOpens(t *testing.T) {
	n := siwe.NewNonces(nonceKey, 0)
	at := now.Add(700 * time.Millisecond)
	nonce, expires, err := n.Issue("sign_in", binding, at)
	ok(t, err)
	equal(t, now.Add(siwe.DefaultNonceTTL), expires)
	if !regexp.MustCompile(`^[a-zA-Z0-9]{50,60}$`).MatchString(nonce) {
		t.Fatalf("nonce %q", nonce)
	}
	// At another replica, or after a restart.
	purpose, until, err := siwe.NewNonces(nonceKey, time.Hour).Open(nonce, binding, expires.Add(-1))
	ok(t, err)
	equal(t, "sign_in", purpose)
	equal(t, expires, until)
	_, _, err = n.Open(nonce, binding, expires)
	equal(t, true, errors.Is(err, siwe.ErrNonceExpired))
}

func TestNonceIsForItsBindingOnly(t *testing.T) {
	n := siwe.NewNonces(nonceKey, 0)
	b := siwe.Binding{Flow: "flow", Session: "session", Origin: "origin"}
	nonce, _, err := n.Issue("link", b, now)
	ok(t, err)
	for name, other := range map[string]siwe.Binding{
		"another browser":        {Flow: "flow2", Session: "session", Origin: "origin"},
		"no browser":             {Session: "session", Origin: "origin"},
		"another session":        {Flow: "flow", Session: "session2", Origin: "origin"},
		"no session":             {Flow: "flow", Origin: "origin"},
		"another origin":         {Flow: "flow", Session: "session", Origin: "origin2"},
		"bytes moved to a field": {Flow: "flows", Session: "ession", Origin: "origin"},
		"fields swapped":         {Flow: "session", Session: "flow", Origin: "origin"},
		"nothing":                {},
	} {
		_, _, err := n.Open(nonce, other, now)
		if err != siwe.ErrNonceInvalid { //nolint:errorlint // exactly this, and no more said
			t.Errorf("%s: %v", name, err)
		}
		// An expired nonce of another browser gets the same answer.
		_, _, err = n.Open(nonce, other, now.AddDate(1, 0, 0))
		equal(t, true, errors.Is(err, siwe.ErrNonceInvalid))
	}
	_, _, err = siwe.NewNonces([]byte("another key, another key, another"), 0).Open(nonce, b, now)
	equal(t, true, errors.Is(err, siwe.ErrNonceInvalid))
}

func TestNonceRefusesForgeries(t *testing.T) {
	n := siwe.NewNonces(nonceKey, 0)
	nonce, _, err := n.Issue("sign_in", binding, now)
	ok(t, err)
	forged := []string{"", "0", "abcdefgh12345678", strings.Repeat("a", 10<<20), strings.Repeat("Z", 80), "0" + nonce, "00" + nonce, nonce + "0", nonce + " ", "-" + nonce, "+" + nonce, nonce[1:], nonce[:len(nonce)-1], strings.ToUpper(nonce), nonce + nonce}
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for i := range nonce { // every digit of it, by every other
		for _, d := range digits {
			if c := nonce[:i] + string(d) + nonce[i+1:]; c != nonce {
				forged = append(forged, c)
			}
		}
	}
	for _, f := range forged {
		if _, _, err := n.Open(f, binding, now); !errors.Is(err, siwe.ErrNonceInvalid) {
			t.Fatalf("%.100q: %v", f, err)
		}
	}
}

func TestNoncePurposeHasBounds(t *testing.T) {
	n := siwe.NewNonces(nonceKey, 0)
	for _, purpose := range []string{"", strings.Repeat("p", 17)} {
		_, _, err := n.Issue(purpose, binding, now)
		equal(t, true, err != nil)
	}
	for _, purpose := range []string{"x", "merge", "\x00\x00", strings.Repeat("p", 16)} {
		nonce, _, err := n.Issue(purpose, binding, now)
		ok(t, err)
		got, _, err := n.Open(nonce, binding, now)
		ok(t, err)
		equal(t, purpose, got)
	}
}

func TestNonceNeedsAKey(t *testing.T) {
	for _, short := range [][]byte{nil, nonceKey[:31]} {
		func() {
			defer func() { equal(t, true, recover() != nil) }()
			siwe.NewNonces(short, 0)
		}()
	}
	// The caller may clear its own copy.
	k := append([]byte(nil), nonceKey...)
	n := siwe.NewNonces(k, 0)
	clear(k)
	nonce, _, err := n.Issue("x", binding, now)
	ok(t, err)
	_, _, err = siwe.NewNonces(nonceKey, 0).Open(nonce, binding, now)
	ok(t, err)
}

func TestNonceProperties(t *testing.T) {
	bindings := rapid.Custom(func(t *rapid.T) siwe.Binding {
		part := rapid.StringN(0, 6, 12)
		return siwe.Binding{Flow: part.Draw(t, "flow"), Session: part.Draw(t, "session"), Origin: part.Draw(t, "origin")}
	})
	seen := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		n := siwe.NewNonces(nonceKey, time.Duration(rapid.Int64Range(1, 1e15).Draw(t, "ttl")))
		purpose := string(rapid.SliceOfN(rapid.Byte(), 1, 16).Draw(t, "purpose"))
		mine, other := bindings.Draw(t, "mine"), bindings.Draw(t, "other")
		at := time.Unix(rapid.Int64Range(0, 1<<34).Draw(t, "at"), 0)
		nonce, expires, err := n.Issue(purpose, mine, at)
		if err != nil || seen[nonce] {
			t.Fatalf("nonce %q, %v", nonce, err)
		}
		seen[nonce] = true
		got, until, err := n.Open(nonce, mine, expires.Add(-1))
		if err != nil || got != purpose || !until.Equal(expires) {
			t.Fatalf("got %q until %s, %v", got, until, err)
		}
		if _, _, err := n.Open(nonce, other, at); mine != other && !errors.Is(err, siwe.ErrNonceInvalid) {
			t.Fatalf("opened for %v: %v", other, err)
		}
	})
}
