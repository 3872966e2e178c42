package method_test

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

const (
	secret      = "a secret of the operator"
	callbackURL = "http://localhost:8080/v1/auth/test/callback"
)

// attempt is one that was begun by requester.
func attempt(t testing.TB, kind method.Kind, purpose identity.Purpose) method.Attempt {
	t.Helper()
	a, err := method.Begin(kind, "google", purpose, requester(), began)
	if err != nil {
		t.Fatal(err)
	}
	a.ReturnTo, a.Options = "/a?b=c#d", method.ForLinkTicket|method.WithoutAddress
	return a
}

func seal(t testing.TB, by *method.Attempts, a method.Attempt) string {
	t.Helper()
	token, err := by.Seal(a)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokenCarriesItsAttempt(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, purpose := range purposes {
			want := attempt(t, kind, purpose)
			token := seal(t, method.NewAttempts(secret), want)
			// At another replica, or after a restart.
			got, err := method.NewAttempts(secret).Open(kind, token, "google", requester(), want.ExpiresAt.Add(-1))
			if err != nil || got != want {
				t.Errorf("%s, %s: got %+v, %v; want %+v", kind, purpose, got, err, want)
			}
		}
	}
}

// A token of one kind is no token of another, though all else is the same.
func TestTokenIsOfOneKind(t *testing.T) {
	t.Parallel()
	attempts := method.NewAttempts(secret)
	for _, kind := range kinds {
		for _, purpose := range purposes {
			token := seal(t, attempts, attempt(t, kind, purpose))
			for _, other := range append(slices.Clone(kinds), "", "password") {
				if _, err := attempts.Open(other, token, "google", requester(), began); (err == nil) != (other == kind) {
					t.Errorf("%s by %s, opened as of %s: %v", purpose, kind, other, err)
				}
			}
		}
	}
}

// The MAC by itself says so, whatever the attempt is bound to.
func TestSealIsOfOneKind(t *testing.T) {
	t.Parallel()
	attempts := method.NewAttempts(secret)
	for _, kind := range kinds {
		for _, other := range kinds {
			a := attempt(t, other, identity.PurposeSignIn)
			a.Kind = kind
			if _, err := attempts.Open(other, seal(t, attempts, a), "google", requester(), began); (err == nil) != (other == kind) {
				t.Errorf("sealed as of %s, opened as of %s: %v", kind, other, err)
			}
		}
	}
}

// Of the nonce in a wallet's message.
func TestTokenIsLettersAndDigits(t *testing.T) {
	t.Parallel()
	a, err := method.Begin(method.ByWallet, identity.ProviderSIWE, identity.PurposeStepUp, requester(), began)
	if err != nil {
		t.Fatal(err)
	}
	if token := seal(t, method.NewAttempts(secret), a); !regexp.MustCompile(`^[a-zA-Z0-9]{70,80}$`).MatchString(token) {
		t.Errorf("a nonce is %q", token)
	}
}

func TestTokenIsRefused(t *testing.T) {
	t.Parallel()
	attempts := method.NewAttempts(secret)
	token := seal(t, attempts, attempt(t, method.ByRedirect, identity.PurposeLink))
	v, ok := new(big.Int).SetString(token, 62)
	if !ok {
		t.Fatal("no number")
	}
	raw := v.Bytes()
	write := func(b []byte) string { return new(big.Int).SetBytes(b).Text(62) }
	forged := map[string]string{
		"missing": "", "a digit": "0", "garbage": "garbage!", "short": token[:20], "cut": token[:len(token)-1], "its end": token[1:],
		"longer": token + "0", "twice": token + token, "huge": strings.Repeat("Z", 1<<20), "long": strings.Repeat("Z", 2048),
		"line break inside": token[:9] + "\n" + token[9:], "line break at end": token + "\r\n", "space": " " + token, "separated": token[:9] + "_" + token[9:],
		"signed": "-" + token, "signed plus": "+" + token, "leading zero": "0" + token, "other case": strings.ToUpper(token),
		"no MAC": write(raw[:len(raw)-16]), "a name past the end": write(append(append(slices.Clone(raw[:36]), 255), raw[37:]...)),
		"zeros": write(append([]byte{1}, make([]byte, 80)...)), "of 52 bytes": write(append([]byte{1}, make([]byte, 51)...)),
	}
	for at := range raw { // a bit of each byte
		c := slices.Clone(raw)
		c[at] ^= 1
		forged["byte "+string(rune('0'+at/100))+string(rune('0'+at/10%10))+string(rune('0'+at%10))] = write(c)
	}
	_, answer := attempts.Open(method.ByRedirect, "", "google", requester(), began)
	for what, token := range forged {
		got, err := attempts.Open(method.ByRedirect, token, "google", requester(), began)
		if identity.ErrorCode(err) != identity.CodeInvalidState || got != (method.Attempt{}) || err.Error() != answer.Error() {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if _, err := method.NewAttempts("another secret").Open(method.ByRedirect, token, "google", requester(), began); identity.ErrorCode(err) != identity.CodeInvalidState {
		t.Errorf("opened under another secret: %v", err)
	}
	// A token that holds asks the rule as well, and answers in the same words.
	elsewhere := requester()
	elsewhere.Browser = identity.HashSecret("other")
	for what, err := range map[string]error{
		"another browser":  second(attempts.Open(method.ByRedirect, token, "google", elsewhere, began)),
		"another provider": second(attempts.Open(method.ByRedirect, token, "github", requester(), began)),
		"expired":          second(attempts.Open(method.ByRedirect, token, "google", requester(), began.Add(method.Lifetime))),
	} {
		if identity.ErrorCode(err) != identity.CodeInvalidState || err.Error() != answer.Error() {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := attempts.Open(method.ByRedirect, token, "google", requester(), began); err != nil {
		t.Errorf("and untouched: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A second spelling would have a second hash, and so be redeemed a second time.
func TestTokenHasOneSpelling(t *testing.T) {
	t.Parallel()
	attempts := method.NewAttempts(secret)
	token := seal(t, attempts, attempt(t, method.ByWallet, identity.PurposeSignIn))
	accepted := 0
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	for i := range token {
		for _, d := range digits {
			if _, err := attempts.Open(method.ByWallet, token[:i]+string(d)+token[i+1:], "google", requester(), began); err == nil {
				accepted++
			}
		}
	}
	if accepted != len(token) {
		t.Errorf("%d spellings are accepted, want each digit's own, %d", accepted, len(token))
	}
}

func TestAttemptIsNotSealed(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		bend func(a *method.Attempt)
		want identity.Code
	}{
		"long return_to": {func(a *method.Attempt) { a.ReturnTo = "/" + strings.Repeat("a", 4000) }, identity.CodeInvalidReturnTo},
		"no purpose":     {func(a *method.Attempt) { a.Purpose = "" }, identity.CodeInvalidState},
		"no provider":    {func(a *method.Attempt) { a.Provider = "" }, identity.CodeInvalidState},
		"long provider":  {func(a *method.Attempt) { a.Provider = strings.Repeat("p", 65) }, identity.CodeInvalidState},
	} {
		a := attempt(t, method.ByRedirect, identity.PurposeSignIn)
		c.bend(&a)
		if token, err := method.NewAttempts(secret).Seal(a); identity.ErrorCode(err) != c.want || token != "" {
			t.Errorf("%s: %q, %v", what, token, err)
		}
	}
	a := attempt(t, method.ByRedirect, identity.PurposeSignIn)
	a.ReturnTo = "/" + strings.Repeat("a", 1023) // the longest that Check returns
	seal(t, method.NewAttempts(secret), a)
}

func TestTokensDiffer(t *testing.T) {
	t.Parallel()
	attempts, a := method.NewAttempts(secret), attempt(t, method.ByRedirect, identity.PurposeSignIn)
	seen := map[string]bool{}
	for range 100 {
		token := seal(t, attempts, a)
		flow := attempts.Flow(a, token, "browser", callbackURL)
		for _, s := range []string{token, flow.Nonce, flow.Verifier, attempts.Receipt(token, "session")} {
			if seen[s] {
				t.Fatal("a token, nonce, verifier or receipt came twice")
			}
			seen[s] = true
		}
	}
}

func TestFlowIsBoundToBrowserAndSecret(t *testing.T) {
	t.Parallel()
	a := attempt(t, method.ByRedirect, identity.PurposeStepUp)
	token := seal(t, method.NewAttempts(secret), a)
	flow := method.NewAttempts(secret).Flow(a, token, "browser", callbackURL)
	if again := method.NewAttempts(secret).Flow(a, token, "browser", callbackURL); again != flow {
		t.Error("another replica with the same secret derives another flow")
	}
	if flow.State != token || flow.RedirectURL != callbackURL || flow.Purpose != a.Purpose || !flow.StartedAt.Equal(began) {
		t.Errorf("flow is %+v", flow)
	}
	if len(flow.Verifier) < 43 || len(flow.Verifier) > 128 || strings.ContainsAny(flow.Verifier, "+/=") {
		t.Errorf("verifier %q is not of RFC 7636 section 4.1", flow.Verifier)
	}
	other := seal(t, method.NewAttempts(secret), a)
	for what, foreign := range map[string]method.Flow{
		"browser": method.NewAttempts(secret).Flow(a, token, "another", callbackURL),
		"secret":  method.NewAttempts("another").Flow(a, token, "browser", callbackURL),
		"token":   method.NewAttempts(secret).Flow(a, other, "browser", callbackURL),
	} {
		if foreign.Verifier == flow.Verifier || foreign.Nonce == flow.Nonce {
			t.Errorf("another %s derives the same secrets", what)
		}
	}
}

// While the secret is being changed, replicas hold both, in either order: what one
// began another finishes, with the same verifier, nonce and receipt.
func TestPreviousSecretOpens(t *testing.T) {
	t.Parallel()
	before, during, after := method.NewAttempts("old"), method.NewAttempts("old", "new"), method.NewAttempts("new", "old")
	for _, c := range []struct {
		began, finished *method.Attempts
		opens           bool
	}{
		{before, during, true}, {during, before, true}, {before, after, true}, {during, after, true}, {after, during, true},
		{after, before, false}, {before, method.NewAttempts("new"), false},
	} {
		a := attempt(t, method.ByRedirect, identity.PurposeLink)
		token := seal(t, c.began, a)
		if _, err := c.finished.Open(method.ByRedirect, token, "google", requester(), began); (err == nil) != c.opens {
			t.Errorf("opens: %v, want %t", err, c.opens)
		}
		same := c.began.Flow(a, token, "browser", callbackURL) == c.finished.Flow(a, token, "browser", callbackURL)
		if same != c.opens || (c.began.Receipt(token, "s") == c.finished.Receipt(token, "s")) != c.opens {
			t.Errorf("derives the same: %t, want %t", same, c.opens)
		}
	}
}

func FuzzTokenOpen(f *testing.F) {
	attempts, foreign := method.NewAttempts(secret), method.NewAttempts("another secret")
	for _, kind := range kinds {
		f.Add(seal(f, foreign, attempt(f, kind, identity.PurposeSignIn)))
	}
	f.Add("")
	f.Add("abcdefgh12345678")
	f.Fuzz(func(t *testing.T, token string) { // nothing of this was sealed here
		for _, kind := range kinds {
			if a, err := attempts.Open(kind, token, "google", requester(), began); err == nil || a != (method.Attempt{}) {
				t.Errorf("%q opens as %+v", token, a)
			}
		}
	})
}

func BenchmarkSealAndOpen(b *testing.B) {
	attempts, a := method.NewAttempts(secret), attempt(b, method.ByWallet, identity.PurposeSignIn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := attempts.Open(method.ByWallet, seal(b, attempts, a), "google", requester(), began); err != nil {
			b.Fatal(err)
		}
	}
}
