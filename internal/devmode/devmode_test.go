package devmode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/methods"
)

// bench is a service with its stand-ins, and a person at a browser.
type bench struct {
	*httptest.Server
	t        *testing.T
	standins *Standins
	attempts *method.Attempts
	browser  *http.Client
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		Server: httptest.NewUnstartedServer(nil), t: t,
		attempts: method.NewAttempts("test"),
		browser: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	standins, err := New("http://"+b.Listener.Addr().String(), identity.SystemClock)
	if err != nil {
		t.Fatal(err)
	}
	b.standins, b.Config.Handler = standins, standins.Handler()
	b.Start()
	t.Cleanup(b.Close)
	return b
}

func (b *bench) providers() map[string]method.Redirect {
	b.t.Helper()
	out := map[string]method.Redirect{}
	for _, spec := range methods.Redirects() {
		p, err := spec.New(b.standins.Options(spec.Name))
		if err != nil {
			b.t.Fatal(err)
		}
		out[spec.Name] = p
	}
	return out
}

func (b *bench) start(p method.Redirect, browser string) (method.Flow, string) {
	b.t.Helper()
	a, err := method.Begin(method.ByRedirect, p.Name(), identity.PurposeSignIn, method.Requester{Browser: identity.HashSecret(browser)}, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	token, err := b.attempts.Seal(a)
	if err != nil {
		b.t.Fatal(err)
	}
	flow := b.attempts.Flow(a, token, browser, b.URL+"/v1/auth/"+p.Name()+"/callback")
	raw, err := p.AuthCodeURL(context.Background(), flow)
	if err != nil {
		b.t.Fatal(err)
	}
	return flow, raw
}

var (
	inputs = regexp.MustCompile(`<input[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?[^>]*>`)
	action = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
)

// open reads the page as a browser would: its form, filled as it came.
func (b *bench) open(raw string) (res *http.Response, target string, form url.Values) {
	b.t.Helper()
	res, err := b.browser.Get(raw)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	form = url.Values{}
	for _, m := range inputs.FindAllStringSubmatch(string(body), -1) {
		if strings.Contains(m[0], `type="checkbox"`) && !strings.Contains(m[0], " checked") {
			continue
		}
		form.Set(m[1], strings.NewReplacer("&#43;", "+", "&amp;", "&", "&#34;", `"`).Replace(m[2]))
	}
	if m := action.FindStringSubmatch(string(body)); m != nil {
		target = b.URL + m[1]
	}
	return res, target, form
}

func (b *bench) submit(target string, form url.Values) *http.Response {
	b.t.Helper()
	res, err := b.browser.PostForm(target, form)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

// login does a whole round trip, with the named fields typed over.
func (b *bench) login(p method.Redirect, browser string, typed map[string]string) (method.Flow, url.Values) {
	b.t.Helper()
	flow, raw := b.start(p, browser)
	_, target, form := b.open(raw)
	for name, value := range typed {
		form.Set(name, value)
		if value == "" {
			form.Del(name)
		}
	}
	res := b.submit(target, form)
	back, err := res.Location()
	if err != nil {
		b.t.Fatalf("the form answered %d", res.StatusCode)
	}
	if got := back.Scheme + "://" + back.Host + back.Path; got != flow.RedirectURL || back.Query().Get("state") != flow.State {
		b.t.Fatalf("redirected to %s", back)
	}
	return flow, back.Query()
}

func callbackOf(q url.Values) method.Callback {
	return method.Callback{Code: q.Get("code"), Issuer: q.Get("iss")}
}

func subjectOf(t *testing.T, name, email string) string {
	t.Helper()
	standins, err := New("http://localhost:8080", identity.SystemClock)
	if err != nil {
		t.Fatal(err)
	}
	return standins.get(name).subjectOf(email)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	providers := b.providers()
	cases := map[string]struct {
		provider string
		typed    map[string]string
		want     identity.Proof
	}{
		"Google, gmail": {"google", map[string]string{"email": "Ada@gmail.com", "sub": "42"},
			identity.Proof{Subject: "42", Email: "ada@gmail.com", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
		"Google, unverified": {"google", map[string]string{"email": "ada@gmail.com", "sub": "42", "email_verified": ""},
			identity.Proof{Subject: "42", Email: "ada@gmail.com", DisplayName: "Ada Lovelace"}},
		"Google, hosted": {"google", map[string]string{"email": "ada@corp.example", "hd": "corp.example", "name": "A", "sub": "abc"},
			identity.Proof{Subject: "abc", Email: "ada@corp.example", EmailAuthoritative: true, DisplayName: "A"}},
		"Google, not hosted": {"google", map[string]string{"email": "ada@corp.example", "sub": "abc"},
			identity.Proof{Subject: "abc", Email: "ada@corp.example", DisplayName: "Ada Lovelace"}},
		"Google, no address": {"google", map[string]string{"email": "", "email_verified": "", "sub": "42"},
			identity.Proof{Subject: "42", DisplayName: "Ada Lovelace"}},
		"Google, derived subject": {"google", map[string]string{"email": "ada@gmail.com"},
			identity.Proof{Subject: subjectOf(t, "google", "ada@gmail.com"), Email: "ada@gmail.com", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
		"GitHub": {"github", map[string]string{"email": "ada@corp.example", "sub": "583231"},
			identity.Proof{Subject: "583231", Email: "ada@corp.example", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
		"GitHub, leading zeros": {"github", map[string]string{"email": "ada@corp.example", "sub": "007"},
			identity.Proof{Subject: "7", Email: "ada@corp.example", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
		"GitHub, unverified": {"github", map[string]string{"email": "ada@corp.example", "sub": "583231", "email_verified": ""},
			identity.Proof{Subject: "583231", DisplayName: "Ada Lovelace"}},
		"GitHub, no address, no name": {"github", map[string]string{"email": "", "email_verified": "", "name": "", "sub": "5"},
			identity.Proof{Subject: "5", DisplayName: "user-5"}},
		"GitHub, derived id": {"github", map[string]string{"email": "ada@corp.example"},
			identity.Proof{Subject: subjectOf(t, "github", "ada@corp.example"), Email: "ada@corp.example", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
		"Discord": {"discord", map[string]string{"email": "ada@corp.example", "sub": "80351110224678912"},
			identity.Proof{Subject: "80351110224678912", Email: "ada@corp.example", DisplayName: "Ada Lovelace"}},
		"Discord, no name": {"discord", map[string]string{"name": "", "sub": "7"},
			identity.Proof{Subject: "7", Email: "ada@example.com", DisplayName: "user7"}},
		"GitLab": {"gitlab", map[string]string{"email": "ada@corp.example", "sub": "42"},
			identity.Proof{Subject: "42", Email: "ada@corp.example", DisplayName: "Ada Lovelace"}},
		"Microsoft": {"microsoft", map[string]string{"email": "ada@corp.example", "sub": "abc"},
			identity.Proof{Subject: "abc", Email: "ada@corp.example", DisplayName: "Ada Lovelace"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := providers[c.provider]
			flow, q := b.login(p, "browser", c.typed)
			got, err := p.Prove(context.Background(), flow, callbackOf(q))
			c.want.Provider, c.want.Reported = c.provider, c.provider == "github" || c.want.Email != ""
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
			_, err = p.Prove(context.Background(), flow, callbackOf(q))
			if identity.ErrorCode(err) != identity.CodeInvalidProof {
				t.Errorf("the code worked twice: %v", err)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, p := range b.providers() {
		_, q := b.login(p, "browser", map[string]string{"decision": "cancel"})
		if q.Get("error") != "access_denied" || q.Has("code") || (q.Get("iss") == "") != (b.standins.get(p.Name()).issuer == "") {
			t.Errorf("%s: redirected with %v", p.Name(), q)
		}
	}
}

func TestParallelLogins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	providers := b.providers()
	var wg sync.WaitGroup
	for n := range 200 {
		wg.Go(func() {
			p, browser := providers[[]string{"google", "github"}[n%2]], fmt.Sprint("browser-", n)
			flow, q := b.login(p, browser, map[string]string{"sub": fmt.Sprint(1000 + n)})
			proof, err := p.Prove(context.Background(), flow, callbackOf(q))
			if err != nil || proof.Subject != fmt.Sprint(1000+n) {
				t.Errorf("login %d: got %q, %v", n, proof.Subject, err)
			}
		})
	}
	wg.Wait()
}

func TestCodeIsBoundToItsFlow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, p := range b.providers() {
		flow, q := b.login(p, "browser", nil)
		thief, _ := b.start(p, "thief")
		if _, err := p.Prove(context.Background(), thief, callbackOf(q)); identity.ErrorCode(err) != identity.CodeInvalidProof {
			t.Errorf("%s: another verifier: %v", p.Name(), err)
		}
		// A code that was tried wrongly is used up.
		if _, err := p.Prove(context.Background(), flow, callbackOf(q)); identity.ErrorCode(err) != identity.CodeInvalidProof {
			t.Errorf("%s: after a wrong try: %v", p.Name(), err)
		}
		_, q = b.login(p, "browser", nil)
		if _, err := p.Prove(context.Background(), flow, method.Callback{Code: q.Get("code"), Issuer: "https://evil.example"}); err == nil {
			t.Errorf("%s: another issuer is accepted", p.Name())
		}
	}
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	now := time.Now()
	for _, s := range b.standins.all {
		s.now = func() time.Time { return now }
	}
	type login struct {
		flow method.Flow
		q    url.Values
	}
	under := map[string]login{}
	providers := b.providers()
	for name, p := range providers {
		flow, q := b.login(p, "browser", nil)
		under[name] = login{flow, q}
	}
	now = now.Add(codeLife)
	for name, p := range providers {
		_, err := p.Prove(context.Background(), under[name].flow, callbackOf(under[name].q))
		if identity.ErrorCode(err) != identity.CodeInvalidProof {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyOnLoopback(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		"http://localhost:8080": true, "http://127.0.0.1": true, "http://[::1]:8080/": true, "https://localhost": true,
		"https://id.example.com": false, "http://0.0.0.0:8080": false, "http://192.168.1.2": false, "": false, "localhost:8080": false,
		"http://localhost.evil.example": false, "http://127.0.0.1.evil.example": false, "ftp://localhost": false,
	} {
		if _, err := New(raw, identity.SystemClock); (err == nil) != want {
			t.Errorf("New(%q): %v", raw, err)
		}
	}
}

func TestSecretsAreNewEachTime(t *testing.T) {
	t.Parallel()
	one, err := New("http://localhost:8080", identity.SystemClock)
	if err != nil {
		t.Fatal(err)
	}
	two, err := New("http://localhost:8080", identity.SystemClock)
	if err != nil {
		t.Fatal(err)
	}
	if one.Options("google").ClientSecret == two.Options("google").ClientSecret || one.Options("github").ClientSecret == two.Options("github").ClientSecret || one.get("google").keyID == two.get("google").keyID {
		t.Error("a secret came twice")
	}
}
