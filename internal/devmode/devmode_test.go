package devmode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/provider"
)

// bench is a service with its stand-ins, and a person at a browser.
type bench struct {
	*httptest.Server
	t        *testing.T
	standins *Standins
	states   *provider.States
	browser  *http.Client
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		Server: httptest.NewUnstartedServer(nil), t: t,
		states: provider.NewStates(identity.DeriveKey("test", "oauth state"), time.Minute),
		browser: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	standins, err := New("http://" + b.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b.standins, b.Config.Handler = standins, standins.Handler()
	b.Start()
	t.Cleanup(b.Close)
	return b
}

func (b *bench) providers() map[string]provider.Provider {
	b.t.Helper()
	google, err := provider.NewGoogle(b.standins.Google())
	if err != nil {
		b.t.Fatal(err)
	}
	github, err := provider.NewGitHub(b.standins.GitHub())
	if err != nil {
		b.t.Fatal(err)
	}
	return map[string]provider.Provider{"google": google, "github": github}
}

func (b *bench) start(p provider.Provider, browser string) (provider.Flow, string) {
	b.t.Helper()
	token, err := b.states.Issue(provider.State{Provider: p.Name(), Purpose: identity.PurposeSignIn}, provider.Binding{Browser: browser}, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	flow := b.states.Flow(token, browser, b.URL+"/v1/auth/"+p.Name()+"/callback")
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
func (b *bench) login(p provider.Provider, browser string, typed map[string]string) (provider.Flow, url.Values) {
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

func callbackOf(q url.Values) provider.Callback {
	return provider.Callback{Code: q.Get("code"), Issuer: q.Get("iss")}
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
			identity.Proof{Subject: subjectOf("google", "ada@gmail.com"), Email: "ada@gmail.com", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
		"GitHub": {"github", map[string]string{"email": "ada@corp.example", "sub": "583231"},
			identity.Proof{Subject: "583231", Email: "ada@corp.example", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
		"GitHub, leading zeros": {"github", map[string]string{"email": "ada@corp.example", "sub": "007"},
			identity.Proof{Subject: "7", Email: "ada@corp.example", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
		"GitHub, unverified": {"github", map[string]string{"email": "ada@corp.example", "sub": "583231", "email_verified": ""},
			identity.Proof{Subject: "583231", DisplayName: "Ada Lovelace"}},
		"GitHub, no address, no name": {"github", map[string]string{"email": "", "email_verified": "", "name": "", "sub": "5"},
			identity.Proof{Subject: "5", DisplayName: "user-5"}},
		"GitHub, derived id": {"github", map[string]string{"email": "ada@corp.example"},
			identity.Proof{Subject: subjectOf("github", "ada@corp.example"), Email: "ada@corp.example", EmailAuthoritative: true, DisplayName: "Ada Lovelace"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := providers[c.provider]
			flow, q := b.login(p, "browser", c.typed)
			got, err := p.Prove(context.Background(), flow, callbackOf(q))
			c.want.Provider = c.provider
			if err != nil || got != c.want {
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
		if q.Get("error") != "access_denied" || q.Has("code") || q.Get("iss") == "" {
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
		if _, err := p.Prove(context.Background(), flow, provider.Callback{Code: q.Get("code"), Issuer: "https://evil.example"}); err == nil {
			t.Errorf("%s: another issuer is accepted", p.Name())
		}
	}
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	now := time.Now()
	for _, s := range []*standin{b.standins.google, b.standins.github} {
		s.now = func() time.Time { return now }
	}
	type login struct {
		flow provider.Flow
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

func TestAuthorizationRequestIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, p := range b.providers() {
		_, raw := b.start(p, "browser")
		for _, c := range []struct {
			field, value string
			status       int
			err          string
		}{
			{"client_id", "another", 400, ""},
			{"client_id", "", 400, ""},
			{"redirect_uri", "https://evil.example/cb", 400, ""},
			{"redirect_uri", b.URL + "/v1/auth/" + name + "/callback/../x", 400, ""},
			{"redirect_uri", "", 400, ""},
			{"code_challenge", "", 303, "invalid_request"},
			{"code_challenge_method", "plain", 303, "invalid_request"},
			{"response_type", "token", 303, "unsupported_response_type"},
		} {
			u, _ := url.Parse(raw)
			q := u.Query()
			q.Set(c.field, c.value)
			u.RawQuery = ""
			for method, res := range map[string]*http.Response{
				"GET": func() *http.Response {
					u.RawQuery = q.Encode()
					res, _, _ := b.open(u.String())
					u.RawQuery = ""
					return res
				}(),
				"POST": b.submit(u.String(), q),
			} {
				back, _ := url.Parse(res.Header.Get("Location"))
				if res.StatusCode != c.status || back.Query().Get("error") != c.err {
					t.Errorf("%s %s %s=%q: %d, %s", name, method, c.field, c.value, res.StatusCode, back)
				}
			}
		}
	}
}

func TestPageFillsItselfFromTheQuery(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.providers()["google"]
	_, raw := b.start(p, "browser")
	_, _, form := b.open(raw + "&login_hint=grace%40gmail.com")
	if form.Get("email") != "grace@gmail.com" || form.Get("email_verified") != "true" || form.Get("sub") != "" {
		t.Errorf("login_hint: %v", form)
	}
	_, _, form = b.open(raw + "&email=a%40b.example&email_verified=false&name=N&hd=b.example&sub=9")
	if form.Get("email") != "a@b.example" || form.Has("email_verified") || form.Get("hd") != "b.example" || form.Get("sub") != "9" || form.Get("name") != "N" {
		t.Errorf("fields: %v", form)
	}
}

func TestPageIsInertAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, p := range b.providers() {
		_, raw := b.start(p, "browser")
		res, err := b.browser.Get(raw + "&name=" + url.QueryEscape(`"><script>alert(1)</script>`))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		for _, banned := range []string{"<script", "style=", "onclick", "javascript:"} {
			if strings.Contains(string(body), banned) {
				t.Errorf("the page holds %q", banned)
			}
		}
		if !strings.Contains(string(body), "Development stand-in") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Error("the page is not marked, or has no policy")
		}
	}
	for name, s := range map[string]*standin{"google": b.standins.google, "github": b.standins.github} {
		if n := s.codes.order.Len() + s.tokens.order.Len(); n != 0 {
			t.Errorf("%s: %d grants after GETs only", name, n)
		}
	}
	res, err := b.browser.Get(b.URL + "/dev/style.css")
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/css") {
		t.Errorf("style: %v, %v", res, err)
	}
	_ = res.Body.Close()
}

func TestFormIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, typed := range map[string]map[string]string{
		"google nobody":                {"email": "", "email_verified": "", "sub": ""},
		"google address without an @":  {"email": "ada"},
		"google verified nothing":      {"email": "", "sub": "1"},
		"google long":                  {"name": strings.Repeat("n", 1000)},
		"google subject with spaces":   {"sub": "a b"},
		"github id that is no number":  {"sub": "octocat"},
		"github id zero":               {"sub": "0"},
		"github id negative":           {"sub": "-1"},
		"github id with a plus signed": {"sub": "1.5"},
	} {
		kind, _, _ := strings.Cut(name, " ")
		_, raw := b.start(b.providers()[kind], "browser")
		_, target, form := b.open(raw)
		for field, value := range typed {
			form.Set(field, value)
		}
		if res := b.submit(target, form); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	_, raw := b.start(b.providers()["google"], "browser")
	_, target, form := b.open(raw)
	form.Set("name", strings.Repeat("n", maxForm))
	if res := b.submit(target, form); res.StatusCode != http.StatusBadRequest {
		t.Errorf("huge form: %d", res.StatusCode)
	}
}

func TestTokenEndpointsRefuse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range []struct{ path, body string }{
		{"/dev/google/token", "grant_type=authorization_code&code=x&client_id=latchkey-dev-google&client_secret=wrong"},
		{"/dev/google/token", "grant_type=authorization_code&code=x"},
		{"/dev/google/token", "grant_type=client_credentials"},
		{"/dev/google/token", "%zz"},
	} {
		res, err := b.browser.Post(b.URL+c.path, "application/x-www-form-urlencoded", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("%s: %d", c.body, res.StatusCode)
		}
	}
	for _, path := range []string{"/dev/google/userinfo", "/dev/github/api/user", "/dev/github/api/user/emails"} {
		for _, auth := range []string{"", "Bearer ", "Bearer wrong", "Basic x"} {
			req, _ := http.NewRequest(http.MethodGet, b.URL+path, nil)
			req.Header.Set("Authorization", auth)
			res, err := b.browser.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d", path, auth, res.StatusCode)
			}
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
		if _, err := New(raw); (err == nil) != want {
			t.Errorf("New(%q): %v", raw, err)
		}
	}
}

func TestSecretsAreNewEachTime(t *testing.T) {
	t.Parallel()
	one, err := New("http://localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	two, err := New("http://localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	if one.Google().ClientSecret == two.Google().ClientSecret || one.GitHub().ClientSecret == two.GitHub().ClientSecret || one.keyID == two.keyID {
		t.Error("a secret came twice")
	}
}

func TestVault(t *testing.T) {
	t.Parallel()
	now := time.Now()
	v := newVault[int](3, time.Minute)
	var secrets []string
	for n := range 10 {
		secrets = append(secrets, v.put(n, now))
	}
	if v.order.Len() != 3 || len(v.byKey) != 3 {
		t.Fatalf("%d values are kept, want 3", v.order.Len())
	}
	if _, ok := v.get(secrets[6], now); ok {
		t.Error("the oldest was kept")
	}
	if got, ok := v.get(secrets[9], now); !ok || got != 9 {
		t.Error("the newest was lost")
	}
	if got, ok := v.take(secrets[9], now); !ok || got != 9 {
		t.Error("it cannot be taken")
	}
	if _, ok := v.take(secrets[9], now); ok {
		t.Error("it was taken twice")
	}
	if _, ok := v.get(secrets[8], now.Add(time.Minute)); ok {
		t.Error("it outlived its life")
	}
	v.put(1, now.Add(time.Hour))
	if v.order.Len() != 1 || len(v.byKey) != 1 {
		t.Errorf("%d values are kept after the others expired", v.order.Len())
	}
}

func TestVaultIsTakenOnceInParallel(t *testing.T) {
	t.Parallel()
	v := newVault[int](8, time.Minute)
	now := time.Now()
	secret := v.put(1, now)
	won := make(chan bool, 50)
	var wg sync.WaitGroup
	for range cap(won) {
		wg.Go(func() {
			if _, ok := v.take(secret, now); ok {
				won <- true
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d of %d took it", len(won), cap(won))
	}
}
