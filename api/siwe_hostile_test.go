package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// forgery is what a hostile client sends to verify. Each case bends one thing
// of a sign-in that would succeed, and the bent text is signed by its wallet:
// nothing but the check that the case is about can refuse it.
type forgery struct {
	t      *testing.T
	app    *apptest.App
	wallet apptest.Wallet
	text   string
	sign   func(text string) string
	body   any // instead of message and signature
}

// replace bends the text, which must hold what is replaced.
func (f *forgery) replace(old, with string) {
	f.t.Helper()
	if !strings.Contains(f.text, old) {
		f.t.Fatalf("nothing to bend: no %q in %q", old, f.text)
	}
	f.text = strings.Replace(f.text, old, with, 1)
}

// line returns the line of a field, such as "Chain ID".
func (f *forgery) line(field string) string {
	f.t.Helper()
	for l := range strings.Lines(f.text) {
		if strings.HasPrefix(l, field+": ") {
			return strings.TrimSuffix(l, "\n")
		}
	}
	f.t.Fatalf("no %s in %q", field, f.text)
	return ""
}

func (f *forgery) value(field string) string { return strings.TrimPrefix(f.line(field), field+": ") }
func (f *forgery) domain() string            { return f.app.Config.PublicURL.Host }

// expectation is how a case ends. No code means that it succeeds: controls that
// show the other cases are refused for what they bend.
type expectation struct {
	status int
	code   string
	field  string
}

func malformed(field string) expectation { return expectation{400, "invalid_message", field} }
func rejected(field string) expectation  { return expectation{401, "invalid_proof", field} }

var accepted = expectation{status: http.StatusOK}

type hostileCase struct {
	name string
	bend func(f *forgery)
	want expectation
}

// set makes a case for each value of a field.
func set(field string, want expectation, values ...string) []hostileCase {
	var out []hostileCase
	for _, v := range values {
		out = append(out, hostileCase{field + " " + v, func(f *forgery) {
			v := strings.NewReplacer("$domain", f.domain(), "$port", f.app.Config.PublicURL.Port(), "$old", f.value(field)).Replace(v)
			f.replace(f.line(field), field+": "+v)
		}, want})
	}
	return out
}

// header makes a case for each domain in the first line.
func header(want expectation, values ...string) []hostileCase {
	var out []hostileCase
	for _, v := range values {
		out = append(out, hostileCase{"header " + v, func(f *forgery) {
			v := strings.NewReplacer("$domain", f.domain(), "$port", f.app.Config.PublicURL.Port()).Replace(v)
			f.replace(f.domain()+" wants", v+" wants")
		}, want})
	}
	return out
}

// add makes a case for each text behind the last line.
func add(want expectation, values ...string) []hostileCase {
	var out []hostileCase
	for _, v := range values {
		out = append(out, hostileCase{"with " + v, func(f *forgery) {
			f.text += strings.NewReplacer("$expiry", f.value("Expiration Time"), "$nonce", f.value("Nonce")).Replace(v)
		}, want})
	}
	return out
}

// statement makes a case for each statement.
func statement(want expectation, values ...string) []hostileCase {
	var out []hostileCase
	for _, v := range values {
		out = append(out, hostileCase{"statement " + v, func(f *forgery) { f.replace("\n\n\nURI", "\n\n"+v+"\n\nURI") }, want})
	}
	return out
}

// ago sets the time of a field relative to the service's frozen clock.
func ago(field string, d time.Duration, want expectation) hostileCase {
	return hostileCase{field + " " + d.String() + " ago", func(f *forgery) {
		at := f.app.Now().Add(-d).Format(time.RFC3339Nano)
		if strings.Contains(f.text, "\n"+field+": ") {
			f.replace(f.line(field), field+": "+at)
		} else {
			f.text += "\n" + field + ": " + at
		}
	}, want}
}

func bend(name string, want expectation, fn func(f *forgery)) hostileCase {
	return hostileCase{name, fn, want}
}

// TestHostileSignInMessages sends what an attacker may send, and wants the
// refusal that names the field, and nothing written.
func TestHostileSignInMessages(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	a.Freeze() // so that "equal to now" is a moment one can meet
	var cases []hostileCase
	for _, list := range [][]hostileCase{
		hostileDomains, hostileURIs, hostileFields, hostileTimes, hostileTexts, hostileStatements, hostileSignatures(), hostileBodies,
	} {
		cases = append(cases, list...)
	}
	refused := 0
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, a) })
		if c.want.code != "" {
			refused++
		}
	}
	t.Logf("%d hostile cases, %d controls", refused, len(cases)-refused)
	if refused < 150 {
		t.Errorf("%d hostile cases, want at least 150", refused)
	}
	if log := a.Log.Errors(); log != "" {
		t.Errorf("logged as our own errors:\n%s", log)
	}
}

func (c hostileCase) run(t *testing.T, a *apptest.App) {
	b := a.Browser().In(t)
	f := &forgery{t: t, app: a, wallet: apptest.NewWallet(t)}
	f.sign = func(text string) string { return f.wallet.Sign(t, text) }
	f.text = b.Challenge(f.wallet, "sign_in").Want(http.StatusOK).String("message")
	c.bend(f)
	send := func() *apptest.Answer {
		if f.body == nil {
			f.body = map[string]any{"message": f.text, "signature": f.sign(f.text)}
		}
		return b.POST("/v1/auth/siwe/verify", f.body)
	}
	if c.want.code == "" {
		send().Want(c.want.status)
		return
	}
	a.Unchanged(t, func() {
		answer := send()
		answer.WantProblem(c.want.status, c.want.code)
		if got := answer.String("field"); got != c.want.field {
			t.Errorf("field %q, want %q: %s", got, c.want.field, answer.Body)
		}
		if cookies := answer.Header.Values("Set-Cookie"); len(cookies) > 0 {
			t.Errorf("a refusal sets cookies: %q", cookies)
		}
	})
}

// signature makes the case of one signature.
func signature(name string, want expectation, make func(f *forgery, good []byte) string) hostileCase {
	return bend("signature "+name, want, func(f *forgery) {
		f.sign = func(text string) string { return make(f, hexutil.MustDecode(f.wallet.Sign(f.t, text))) }
	})
}
