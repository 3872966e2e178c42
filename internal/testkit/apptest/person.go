package apptest

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// Browser is a client with its own cookies. It does not follow redirects.
type Browser struct {
	T      *testing.T
	App    *App
	Client *http.Client
	Bearer string // sent as Authorization when not empty
	Header http.Header
}

// Browser returns a new browser.
func (a *App) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.T.Fatal(err)
	}
	return &Browser{T: a.T, App: a, Header: http.Header{}, Client: &http.Client{
		Jar:           jar,
		Transport:     a.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// In returns the same browser, cookies included, for a subtest.
func (b *Browser) In(t *testing.T) *Browser {
	c := *b
	c.T, c.Header = t, b.Header.Clone()
	return &c
}

// With returns the same browser, cookies included, with one more header. The
// value "" takes a header out.
func (b *Browser) With(name, value string) *Browser {
	c := b.In(b.T)
	if c.Header.Set(name, value); value == "" {
		c.Header.Del(name)
	}
	return c
}

// Cookie returns a cookie the browser would send to the service, "" if it has
// none of this name.
func (b *Browser) Cookie(name string) string {
	for _, c := range b.Client.Jar.Cookies(b.App.publicURL()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie plants a cookie.
func (b *Browser) SetCookie(name, value string) {
	u := b.App.publicURL()
	b.Client.Jar.SetCookies(u, []*http.Cookie{{ //nolint:gosec // a jar of the test; what the service sets is tested elsewhere
		Name: name, Value: value, Path: "/", Secure: u.Scheme == "https",
	}})
}

// Answer is a response, read and checked against the specification.
type Answer struct {
	t      *testing.T
	what   string
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request; body is marshalled unless it is an io.Reader.
func (b *Browser) Do(method, path string, body any) *Answer {
	t := b.T
	t.Helper()
	var reader io.Reader
	switch v := body.(type) {
	case nil:
	case io.Reader:
		reader = v
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	if !strings.HasPrefix(path, "http") {
		path = b.App.URL + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if b.Bearer != "" {
		req.Header.Set("Authorization", "Bearer "+b.Bearer)
	}
	for name, values := range b.Header {
		req.Header[name] = values
	}
	return b.Send(req)
}

// Send sends a request as it is.
func (b *Browser) Send(req *http.Request) *Answer {
	t := b.T
	t.Helper()
	res, err := b.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := &Answer{t: t, what: req.Method + " " + req.URL.Path, Status: res.StatusCode, Header: res.Header, Body: raw}
	if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusBadGateway {
		t.Errorf("%s: %d %s\n%s", answer.what, res.StatusCode, raw, b.App.Log.Errors())
	}
	checkAgainstSpec(t, req, res, raw)
	return answer
}

// GET sends a request without a body.
func (b *Browser) GET(path string) *Answer { b.T.Helper(); return b.Do(http.MethodGet, path, nil) }

// POST sends a body.
func (b *Browser) POST(path string, body any) *Answer {
	b.T.Helper()
	return b.Do(http.MethodPost, path, body)
}

// PATCH sends a body.
func (b *Browser) PATCH(path string, body any) *Answer {
	b.T.Helper()
	return b.Do(http.MethodPatch, path, body)
}

// DELETE sends no body.
func (b *Browser) DELETE(path string) *Answer {
	b.T.Helper()
	return b.Do(http.MethodDelete, path, nil)
}

// Want asserts the status and returns the answer.
func (a *Answer) Want(status int) *Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.what, a.Status, status, a.Body)
	}
	return a
}

// WantProblem asserts status and code of a refusal.
func (a *Answer) WantProblem(status int, code string) *Answer {
	a.t.Helper()
	a.Want(status)
	if got := a.String("code"); got != code {
		a.t.Fatalf("%s: code %q, want %q: %s", a.what, got, code, a.Body)
	}
	if a.String("request_id") == "" || a.Header.Get("Content-Type") != "application/problem+json" {
		a.t.Fatalf("%s: no problem document: %s", a.what, a.Body)
	}
	return a
}

// Get returns the value at a path such as "user.id" or "data.0.role".
func (a *Answer) Get(path string) any {
	a.t.Helper()
	var v any
	if err := json.Unmarshal(a.Body, &v); err != nil {
		a.t.Fatalf("%s: %v: %s", a.what, err, a.Body)
	}
	for _, key := range strings.Split(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// String is Get for text; "" when absent.
func (a *Answer) String(path string) string {
	a.t.Helper()
	s, _ := a.Get(path).(string)
	return s
}

// Len is the length of the list at a path.
func (a *Answer) Len(path string) int {
	a.t.Helper()
	l, _ := a.Get(path).([]any)
	return len(l)
}

// Wallet is an externally owned account.
type Wallet struct {
	Key     *ecdsa.PrivateKey
	Address common.Address
}

// NewWallet makes one.
func NewWallet(t testing.TB) Wallet {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return Wallet{Key: key, Address: crypto.PubkeyToAddress(key.PublicKey)}
}

// Sign is personal_sign (EIP-191).
func (w Wallet) Sign(t testing.TB, message string) string {
	t.Helper()
	sig, err := crypto.Sign(accounts.TextHash([]byte(message)), w.Key)
	if err != nil {
		t.Fatal(err)
	}
	sig[64] += 27
	return hexutil.Encode(sig)
}

// Challenge asks for a ready message for the wallet.
func (b *Browser) Challenge(w Wallet, purpose string) *Answer {
	b.T.Helper()
	return b.POST("/v1/auth/siwe/challenge", map[string]any{"address": w.Address.Hex(), "purpose": purpose})
}

// Wallet proves the wallet for a purpose and returns the answer of verify.
func (b *Browser) Wallet(w Wallet, purpose string) *Answer {
	t := b.T
	t.Helper()
	message := b.Challenge(w, purpose).Want(http.StatusOK).String("message")
	return b.POST("/v1/auth/siwe/verify", map[string]any{"message": message, "signature": w.Sign(t, message)})
}

// Person is who one says one is on a stand-in.
type Person struct {
	Name, Email  string
	Unverified   bool
	HostedDomain string
	Subject      string
}

var actionPattern = regexp.MustCompile(`<form[^>]*action="([^"]+)"`)
var hiddenPattern = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// Provider goes through a provider's stand-in for a purpose and returns where
// the callback sent the browser.
func (b *Browser) Provider(name, purpose string, p Person) *url.URL {
	b.T.Helper()
	return b.Callback(b.Authorize(name, purpose, p))
}

// SignInWith is Provider for signing in, begun with an option such as
// "link_ticket=true".
func (b *Browser) SignInWith(name, option string, p Person) *url.URL {
	b.T.Helper()
	start := b.GET("/v1/auth/" + name + "/start?return_to=/account&" + option).Want(http.StatusFound)
	return b.Callback(b.authorize(start.Header.Get("Location"), p))
}

// Callback follows a callback and returns where it led.
func (b *Browser) Callback(callback string) *url.URL {
	t := b.T
	t.Helper()
	to, err := url.Parse(b.GET(callback).Want(http.StatusFound).Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// Authorize goes to the stand-in, says who one is, and returns the callback URL
// without following it.
func (b *Browser) Authorize(name, purpose string, p Person) string {
	b.T.Helper()
	return b.authorize(b.Start(name, purpose), p)
}

// AuthorizeAt is Authorize for a round trip that was begun already.
func (b *Browser) AuthorizeAt(authorize string, p Person) string {
	b.T.Helper()
	return b.authorize(authorize, p)
}

func (b *Browser) authorize(authorize string, p Person) string {
	t := b.T
	t.Helper()
	page := b.GET(authorize).Want(http.StatusOK)
	action := actionPattern.FindSubmatch(page.Body)
	if action == nil {
		t.Fatalf("no form on the stand-in: %s", page.Body)
	}
	form := url.Values{}
	for _, m := range hiddenPattern.FindAllSubmatch(page.Body, -1) {
		form.Set(string(m[1]), htmlUnescape(string(m[2])))
	}
	form.Set("name", p.Name)
	form.Set("email", p.Email)
	if !p.Unverified {
		form.Set("email_verified", "true")
	}
	form.Set("hd", p.HostedDomain)
	form.Set("sub", p.Subject)
	form.Set("decision", "continue")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.App.URL+htmlUnescape(string(action[1])), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := b.Send(req)
	if answer.Status != http.StatusFound && answer.Status != http.StatusSeeOther {
		t.Fatalf("stand-in: %d %s", answer.Status, answer.Body)
	}
	return answer.Header.Get("Location")
}

// Start begins a round trip, as pages do, and returns where the browser is sent.
func (b *Browser) Start(provider, purpose string) string {
	b.T.Helper()
	start := "/v1/auth/" + provider + "/start"
	if purpose == "sign_in" {
		return b.GET(start + "?return_to=/account&purpose=sign_in").Want(http.StatusFound).Header.Get("Location")
	}
	return b.POST(start, map[string]any{"purpose": purpose, "return_to": "/account"}).Want(http.StatusOK).String("url")
}
