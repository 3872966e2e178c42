package latchkey_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	latchkey "github.com/latchkey/latchkey/sdk/go"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256} {
		i, k := newIssuer(t), newKey(t, "k1", alg)
		i.publish(k)
		v := i.verifier()
		claims := i.claims().with(values{"scope": "openid notes:read", "app": map[string]any{"plan": "pro"}})
		u, err := v.Verify(t.Context(), i.sign(k, claims))
		if err != nil {
			t.Fatal(alg, err)
		}
		got := fmt.Sprint(u.ID, u.Session, u.Team, u.Role, u.Client, u.Scopes, u.Methods, string(u.App), i.now().Unix()-u.AuthenticatedAt.Unix(), u.ExpiresAt.Unix()-i.now().Unix())
		if want := fmt.Sprint("user-1", "session-1", "team-1", "admin", "web", []string{"openid", "notes:read"}, []string{"google", "siwe"}, `{"plan":"pro"}`, 60, 300); got != want {
			t.Errorf("%s: %s, want %s", alg, got, want)
		}
		if !u.HasRole("team-1", latchkey.Member) || u.HasRole("team-2", latchkey.Member) || u.HasRole("team-1", latchkey.Owner) || u.HasRole("team-1", "amdin") || u.HasRole("", "") {
			t.Error("roles")
		}
		if !u.HasScope("notes:read") || u.HasScope("notes") || !u.VerifiedWithin(5*time.Minute) || u.VerifiedWithin(30*time.Second) {
			t.Error("scopes, or the time of the proof")
		}
		// A token from no application has no team: its role is none.
		u, err = v.Verify(t.Context(), i.sign(k, i.claims().with(values{"team": nil, "role": nil}), values{"typ": "application/AT+JWT"}))
		if err != nil || u.Team != "" || u.Role.AtLeast(latchkey.Member) || u.HasRole("", latchkey.Member) {
			t.Errorf("%+v, %v", u, err)
		}
		if n := i.fetches.Load(); n != 1 {
			t.Errorf("%d requests for keys, want 1", n)
		}
	}
}

func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	i, k, other := newIssuer(t), newKey(t, "k1", jose.EdDSA), newKey(t, "k1", jose.EdDSA)
	es := newKey(t, "k1", jose.ES256)
	i.publish(k)
	v := i.verifier()
	good := i.sign(k, i.claims())
	parts := strings.Split(good, ".")
	encoded := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	now := i.now().Unix()
	for name, token := range map[string]string{
		"nothing":               "",
		"no token":              "lks_abc",
		"cut":                   good[:len(good)-4],
		"two dots":              "..",
		"long":                  strings.Repeat("a", 1<<20),
		"another's key":         i.sign(other, i.claims()),
		"another algorithm":     i.sign(es, i.claims()),
		"unsigned":              encoded(values{"alg": "none", "typ": "at+jwt", "kid": "k1"}) + "." + parts[1] + ".",
		"signed by public key":  encoded(values{"alg": "HS256", "typ": "at+jwt", "kid": "k1"}) + "." + parts[1] + "." + parts[2],
		"other claims":          parts[0] + "." + encoded(i.claims().with(values{"sub": "root"})) + "." + parts[2],
		"an ID token":           i.sign(k, i.claims(), values{"typ": "JWT"}),
		"a logout token":        i.sign(k, i.claims(), values{"typ": "logout+jwt"}),
		"without a type":        i.sign(k, i.claims(), values{"typ": nil}),
		"critical extension":    i.sign(k, i.claims(), values{"crit": []string{"x"}, "x": 1}),
		"its own key":           i.sign(other, i.claims(), values{"kid": "own", "jwk": jose.JSONWebKey{Key: other.private.Public(), KeyID: "own", Algorithm: "EdDSA"}}),
		"for another service":   i.sign(k, i.claims().with(values{"aud": "https://other.example.com"})),
		"for no service":        i.sign(k, i.claims().with(values{"aud": nil})),
		"of another issuer":     i.sign(k, i.claims().with(values{"iss": "https://evil.example.com"})),
		"of issuer with slash":  i.sign(k, i.claims().with(values{"iss": i.URL + "/"})),
		"of no issuer":          i.sign(k, i.claims().with(values{"iss": nil})),
		"expired":               i.sign(k, i.claims().with(values{"exp": now - 6})),
		"without an end":        i.sign(k, i.claims().with(values{"exp": nil})),
		"from the future":       i.sign(k, i.claims().with(values{"iat": now + 7})),
		"not valid yet":         i.sign(k, i.claims().with(values{"nbf": now + 7})),
		"without a subject":     i.sign(k, i.claims().with(values{"sub": nil})),
		"no session, no team":   i.sign(k, i.claims().with(values{"sid": nil, "team": nil})),
		"claims of other types": i.sign(k, i.claims().with(values{"sub": 7})),
	} {
		u, err := v.Verify(t.Context(), token)
		if u != nil || !errors.Is(err, latchkey.ErrUnauthenticated) || errors.Is(err, latchkey.ErrUnavailable) {
			t.Errorf("%s: %v, %v", name, u, err)
		}
	}
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Error(err)
	}
}

func TestClocksFiveSecondsApart(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "k1", jose.EdDSA)
	i.publish(k)
	now := i.now().Unix()
	for name, claims := range map[string]values{
		"behind": {"iat": now + 5, "nbf": now + 5, "exp": now + 305},
		"ahead":  {"iat": now - 305, "exp": now - 4},
	} {
		token := i.sign(k, i.claims().with(claims))
		if _, err := i.verifier().Verify(t.Context(), token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := i.verifier(latchkey.WithLeeway(0)).Verify(t.Context(), token); !errors.Is(err, latchkey.ErrUnauthenticated) {
			t.Errorf("%s without leeway: %v", name, err)
		}
	}
}

func TestForgedKeyIDsCostOneFetch(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "k1", jose.EdDSA)
	i.publish(k)
	v := i.verifier()
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			forged := newKey(t, fmt.Sprint("forged-", n), jose.EdDSA)
			if _, err := v.Verify(context.Background(), i.sign(forged, i.claims())); !errors.Is(err, latchkey.ErrUnauthenticated) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := v.Verify(t.Context(), i.sign(k, i.claims())); err != nil {
		t.Error(err)
	}
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	i.advance(31 * time.Second)
	for n := range 20 {
		forged := newKey(t, fmt.Sprint("later-", n), jose.EdDSA)
		if _, err := v.Verify(t.Context(), i.sign(forged, i.claims())); !errors.Is(err, latchkey.ErrUnauthenticated) {
			t.Error(err)
		}
	}
	if n := i.fetches.Load(); n != 2 {
		t.Errorf("%d fetches after the cooldown, want 2", n)
	}
}

func TestKeysChange(t *testing.T) {
	t.Parallel()
	i, old, next := newIssuer(t), newKey(t, "k1", jose.EdDSA), newKey(t, "k2", jose.EdDSA)
	i.publish(old)
	v := i.verifier()
	if _, err := v.Verify(t.Context(), i.sign(old, i.claims())); err != nil {
		t.Fatal(err)
	}
	i.publish(old, next)
	i.advance(31 * time.Second)
	if _, err := v.Verify(t.Context(), i.sign(next, i.claims())); err != nil {
		t.Errorf("by a new key: %v", err)
	}
	// One that has leaked is believed for a minute.
	i.publish(next)
	i.advance(59 * time.Second)
	if _, err := v.Verify(t.Context(), i.sign(old, i.claims())); err != nil {
		t.Errorf("by a key that was there a minute ago: %v", err)
	}
	i.advance(2 * time.Second)
	if _, err := v.Verify(t.Context(), i.sign(old, i.claims())); !errors.Is(err, latchkey.ErrUnauthenticated) {
		t.Errorf("by a removed key: %v", err)
	}
}

// What Latchkey may do instead of answering.
var faults = map[string]http.HandlerFunc{
	"500":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	"a page":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	"no keys":      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
	"a redirect":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	"half of it":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[{"kty":"OKP"`)) },
	"a disconnect": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	k := newKey(t, "k1", jose.EdDSA)
	for name, fault := range faults {
		i := newIssuer(t)
		i.publish(k)
		i.broken(fault)
		v := i.verifier()
		for range 5 {
			u, err := v.Verify(t.Context(), i.sign(k, i.claims()))
			if u != nil || !errors.Is(err, latchkey.ErrUnavailable) || errors.Is(err, latchkey.ErrUnauthenticated) {
				t.Errorf("%s: %v, %v", name, u, err)
			}
		}
		// A disconnect is tried again by net/http itself.
		if n := i.fetches.Load(); n != 1 && name != "a disconnect" {
			t.Errorf("%s: %d fetches at once, want 1", name, n)
		}
		i.broken(nil)
		i.advance(3 * time.Second)
		if _, err := v.Verify(t.Context(), i.sign(k, i.claims())); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}

	i := newIssuer(t)
	i.Close()
	if _, err := i.verifier().Verify(t.Context(), i.sign(k, i.claims())); !errors.Is(err, latchkey.ErrUnavailable) {
		t.Errorf("without Latchkey: %v", err)
	}
}

func TestSlowLatchkey(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "k1", jose.EdDSA)
	i.publish(k)
	asked, release := make(chan struct{}), make(chan struct{})
	i.broken(func(http.ResponseWriter, *http.Request) { close(asked); <-release })
	v := i.verifier()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx, i.sign(k, i.claims())); !errors.Is(err, latchkey.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("a request that does not wait: %v", err)
	}
	// The fetch was not this request's alone: it goes on, and another waits for it.
	<-asked
	i.broken(nil)
	done := make(chan error)
	go func() {
		_, err := v.Verify(context.Background(), i.sign(k, i.claims()))
		done <- err
	}()
	close(release)
	if err := <-done; !errors.Is(err, latchkey.ErrUnavailable) { // it got an empty answer
		t.Error(err)
	}
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

// While Latchkey is away its keys serve as long as they may be cached, no longer.
func TestOutage(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "k1", jose.EdDSA)
	i.publish(k)
	v := i.verifier()
	if _, err := v.Verify(t.Context(), i.sign(k, i.claims())); err != nil {
		t.Fatal(err)
	}
	i.broken(faults["500"])
	for range 4 {
		i.advance(70 * time.Second)
		if _, err := v.Verify(t.Context(), i.sign(k, i.claims())); err != nil {
			t.Errorf("in an outage: %v", err)
		}
		// A key that is not known may be a new one: that cannot be decided now.
		if _, err := v.Verify(t.Context(), i.sign(newKey(t, "k2", jose.EdDSA), i.claims())); !errors.Is(err, latchkey.ErrUnavailable) {
			t.Errorf("by an unknown key, in an outage: %v", err)
		}
	}
	i.advance(70 * time.Second)
	if _, err := v.Verify(t.Context(), i.sign(k, i.claims())); !errors.Is(err, latchkey.ErrUnavailable) {
		t.Errorf("after five minutes: %v", err)
	}
	i.broken(nil)
	i.advance(3 * time.Second)
	if _, err := v.Verify(t.Context(), i.sign(k, i.claims())); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

func TestMachines(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "k1", jose.EdDSA)
	i.publish(k)
	v := i.verifier()
	token := i.sign(k, i.claims().with(values{"sub": "key-1", "sid": nil, "amr": nil, "auth_time": nil}))
	if u, err := v.Verify(t.Context(), token); u != nil || !errors.Is(err, latchkey.ErrMachine) || !errors.Is(err, latchkey.ErrUnauthenticated) {
		t.Errorf("%v, %v", u, err)
	}
	m, err := v.VerifyMachine(t.Context(), token)
	if err != nil || m.ID != "key-1" || !m.HasRole("team-1", latchkey.Admin) || m.HasRole("team-2", latchkey.Member) {
		t.Errorf("%+v, %v", m, err)
	}
	ofLatchkey := values{"sub": "key-1", "sid": nil, "aud": i.URL}
	if m, err := v.VerifyMachine(t.Context(), i.sign(k, i.claims().with(ofLatchkey))); err != nil || m.ID != "key-1" {
		t.Errorf("for Latchkey: %+v, %v", m, err)
	}
	if m, err := v.VerifyMachine(t.Context(), i.sign(k, i.claims().with(ofLatchkey).with(values{"aud": "https://other.example.com"}))); m != nil || !errors.Is(err, latchkey.ErrUnauthenticated) {
		t.Errorf("for another service: %+v, %v", m, err)
	}
	if u, err := v.Verify(t.Context(), i.sign(k, i.claims().with(values{"aud": i.URL}))); u != nil || !errors.Is(err, latchkey.ErrUnauthenticated) {
		t.Errorf("a user's, for Latchkey: %+v, %v", u, err)
	}
	if m, err := v.VerifyMachine(t.Context(), i.sign(k, i.claims())); m != nil || !errors.Is(err, latchkey.ErrUnauthenticated) {
		t.Errorf("of a user: %v, %v", m, err)
	}
}

func TestZeroValues(t *testing.T) {
	t.Parallel()
	var zero latchkey.Verifier
	for name, v := range map[string]*latchkey.Verifier{
		"nil": nil, "zero": &zero, "no issuer": latchkey.NewVerifier("", audience), "no audience": latchkey.NewVerifier("https://auth.example.com", ""),
	} {
		if u, err := v.Verify(t.Context(), "a.b.c"); u != nil || !errors.Is(err, latchkey.ErrUnavailable) {
			t.Errorf("%s: %v, %v", name, u, err)
		}
	}
	var none *latchkey.User
	if none.HasRole("t", latchkey.Member) || none.HasScope("x") || none.VerifiedWithin(time.Hour) || (&latchkey.User{}).VerifiedWithin(time.Hour) || latchkey.Role("").AtLeast("") {
		t.Error("a user without values can do something")
	}
	i, k := newIssuer(t), newKey(t, "k1", jose.EdDSA)
	i.publish(k)
	v := latchkey.NewVerifier(i.URL+"/", audience, latchkey.WithClock(nil), latchkey.WithHTTPClient(nil), nil)
	if _, err := v.Verify(t.Context(), i.sign(k, i.claims())); err != nil {
		t.Error(err)
	}
}
