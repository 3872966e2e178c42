package identity_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
)

func TestSecretsAreRandomAndKeptByTheirHash(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		secret, hash := identity.NewSecret()
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		if err != nil || len(raw) != 32 || len(secret) != 43 {
			t.Fatalf("secret %q: %v", secret, err)
		}
		if len(hash) != 32 || !bytes.Equal(hash, identity.HashSecret(secret)) || bytes.Contains(hash, raw[:8]) {
			t.Fatalf("hash %x of %q", hash, secret)
		}
		if seen[secret] {
			t.Fatal("a secret came twice")
		}
		seen[secret] = true
	}
	if bytes.Equal(identity.HashSecret("a"), identity.HashSecret("b")) || bytes.Equal(identity.HashSecret(""), identity.HashSecret("\x00")) {
		t.Error("two secrets have one hash")
	}
}

// Every use has a key of its own, also where two names could be cut
// differently, and none is the secret itself.
func TestDerivedKeysAreSeparate(t *testing.T) {
	t.Parallel()
	secrets, uses := []string{"one secret that is long", "one secret that is lonh", "s", ""}, []string{"nonce", "state", "nonce ", "noncestate", "", "latchkey nonce"}
	seen := map[string]string{}
	for _, secret := range secrets {
		for _, use := range uses {
			key := identity.DeriveKey(secret, use)
			if len(key) != 32 || !bytes.Equal(key, identity.DeriveKey(secret, use)) {
				t.Errorf("key of %q is %x", use, key)
			}
			if other, ok := seen[string(key)]; ok {
				t.Errorf("%q and %q share a key", secret+"/"+use, other)
			}
			seen[string(key)] = secret + "/" + use
		}
	}
}

// Paging by Next visits every row once and in order, whatever the limit.
func TestNextVisitsEveryRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]identity.ID, rapid.IntRange(0, 20).Draw(t, "rows"))
		for i := range rows {
			rows[i] = identity.NewID()
		}
		p := identity.Page{Limit: rapid.IntRange(1, 25).Draw(t, "limit")}
		var got []identity.ID
		for range len(rows) + 1 {
			from := 0
			if p.After != nil {
				from = slices.Index(rows, *p.After) + 1
			}
			read := slices.Clone(rows[from:min(from+p.Limit+1, len(rows))]) // as a store does: one more than the limit
			page, next := identity.Next(read, p, func(id identity.ID) identity.ID { return id })
			if len(page) > p.Limit || next != nil && len(page) != p.Limit {
				t.Fatalf("a page of %d for a limit of %d", len(page), p.Limit)
			}
			got = append(got, page...)
			if next == nil {
				break
			}
			p.After = next
		}
		if !slices.Equal(got, rows) {
			t.Fatalf("visited %v of %v", got, rows)
		}
	})
}

func TestNewIDsSortByTheTimeTheyWereMade(t *testing.T) {
	t.Parallel()
	last := identity.NewID()
	for range 1000 {
		id := identity.NewID()
		if id.Version() != 7 || id.String() <= last.String() {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
}

// Metadata written to a column and read back is the same, but for what no JSON
// column of PostgreSQL keeps: NUL, and what is no UTF-8.
func TestMetadataSurvivesTheColumn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{`\`, `u0000`, `\u0000`, `\\`, "\x00", `"`, "'", "?", "é", "u", "0", "\n", "ufffd"})
		text := rapid.Custom(func(t *rapid.T) string {
			s := ""
			for _, p := range rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces") {
				s += p
			}
			return s
		})
		in := identity.Metadata{}
		for k, v := range rapid.MapOfN(text, text, 0, 4).Draw(t, "metadata") {
			in[noNUL(k)] = v
		}
		value, err := in.Value()
		if err != nil {
			t.Fatal(err)
		}
		var out identity.Metadata
		if err := out.Scan(value); err != nil || len(out) != len(in) {
			t.Fatalf("%s: %v, %v", value, out, err)
		}
		for k, v := range in {
			if out[k] != noNUL(v.(string)) {
				t.Fatalf("%q: %q became %q", k, v, out[k])
			}
		}
	})
	var m identity.Metadata
	if v, err := m.Value(); v != "{}" || err != nil {
		t.Errorf("nil is %v, %v", v, err)
	}
	if err := m.Scan(42); err == nil {
		t.Error("a number was scanned")
	}
	if _, err := (identity.Metadata{"f": func() {}}).Value(); err == nil {
		t.Error("a function was written")
	}
}

func noNUL(s string) string {
	return string(bytes.ReplaceAll([]byte(s), []byte{0}, []byte("\ufffd")))
}

func TestErrorsTellTheirCodeAndKeepTheirCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := identity.NewError(identity.CodeForbidden, "no %s", "way").WithField("f").Wrap(cause)
	if identity.ErrorCode(errors.Join(errors.New("x"), err)) != identity.CodeForbidden || !errors.Is(err, cause) || err.Detail != "no way" {
		t.Errorf("%+v", err)
	}
	if identity.ErrorCode(cause) != "" || identity.ErrorCode(nil) != "" {
		t.Error("an error that is no refusal has a code")
	}
}

func TestActor(t *testing.T) {
	t.Parallel()
	at := time.Now()
	a := identity.Actor{UserID: identity.NewID(), SessionID: identity.NewID(), Origin: identity.RequestOrigin{IP: "192.0.2.1", UserAgent: "agent"}}
	e := a.Event(identity.ActionTeamCreated, at)
	if *e.ActorID != a.UserID || *e.SessionID != a.SessionID || e.IP != "192.0.2.1" || e.UserAgent != "agent" || !e.At.Equal(at) {
		t.Errorf("%+v", e)
	}
	if err := a.RequireRecentlyVerified(); identity.ErrorCode(err) != identity.CodeReauthRequired {
		t.Errorf("stale: %v", err)
	}
	a.RecentlyVerified = true
	if err := a.RequireRecentlyVerified(); err != nil {
		t.Errorf("fresh: %v", err)
	}
}

func TestVerifiedEmailNeedsAuthority(t *testing.T) {
	t.Parallel()
	p := identity.Proof{Email: "ada@example.com"}
	if p.VerifiedEmail() != "" {
		t.Error("an address without a voucher is verified")
	}
	p.EmailAuthoritative = true
	if p.VerifiedEmail() != "ada@example.com" {
		t.Error("a vouched address is not verified")
	}
	if identity.PurposeSignIn.NeedsSession() || !identity.PurposeLink.NeedsSession() || !identity.PurposeStepUp.NeedsSession() || !identity.PurposeMerge.NeedsSession() {
		t.Error("only a sign-in needs no session")
	}
	if now := identity.SystemClock(); now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
		t.Errorf("the clock says %v", now)
	}
	if _, err := json.Marshal(p); err != nil {
		t.Error(err)
	}
}
