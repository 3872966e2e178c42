package gocli_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/docs/examples/gocli"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// person is somebody at their browser, who allows what they are asked.
type person struct {
	*apptest.Browser
	t *testing.T
}

// open goes where the command line sends them, and brings back what it is answered.
func (p person) open(to string) error {
	p.t.Helper()
	answer := p.GET(to).Want(http.StatusFound).Header.Get("Location")
	if u, err := url.Parse(answer); err == nil && u.Path == "/consent" {
		asked := u.Query().Get("request")
		on := p.POST("/v1/consent", map[string]any{"request": asked, "decision": "allow"}).Want(http.StatusOK).String("url")
		answer = p.GET(on).Want(http.StatusFound).Header.Get("Location")
	}
	// Strangers know neither the state nor the issuer.
	bare, _, _ := strings.Cut(answer, "?")
	for _, forged := range []string{bare, bare + "?code=x&state=x", bare + "?code=x&state=" + mustQuery(p.t, answer).Get("state") + "&iss=https://evil.example"} {
		if status := p.visit(forged); status != http.StatusNotFound {
			p.t.Errorf("%s answers %d", forged, status)
		}
	}
	if status := p.visit(answer); status != http.StatusOK {
		p.t.Errorf("the command line answers %d", status)
	}
	return nil
}

func (p person) visit(to string) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, to, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return res.StatusCode
}

func mustQuery(t *testing.T, raw string) url.Values {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func newCLI(t *testing.T) (*apptest.App, person, *gocli.CLI, string) {
	t.Helper()
	a := apptest.SQLite(t)
	p := person{a.Browser(), t}
	id := p.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
	c, _, err := app.Clients(a.Config, a.DB, a.Now).Create(t.Context(), nil, client.Client{
		Name: "Example", Kind: client.Public, RedirectURIs: client.Words{"http://127.0.0.1/callback"}, Grants: client.Words{client.GrantCode, client.GrantRefresh, client.GrantDevice},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, p, &gocli.CLI{Issuer: a.URL, ClientID: c.ID, File: filepath.Join(t.TempDir(), "token.json"), Open: p.open, Out: io.Discard}, id
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	a, p, cli, id := newCLI(t)
	if _, err := cli.AccessToken(t.Context()); !errors.Is(err, gocli.ErrSignedOut) {
		t.Errorf("before the sign-in: %v", err)
	}
	u, err := cli.Login(t.Context())
	if err != nil || u.ID != id {
		t.Fatalf("%+v %v", u, err)
	}
	if kept, err := os.Stat(cli.File); err != nil || kept.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", kept, err)
	}
	works := func(token string) bool {
		b := a.Browser()
		b.Bearer = token
		return b.GET("/oauth2/userinfo").Status == http.StatusOK
	}
	first, err := cli.AccessToken(t.Context())
	if err != nil || !works(first) {
		t.Fatal(err)
	}
	// Another run, after it has expired and the browser was signed out.
	p.DELETE("/v1/session").Want(http.StatusNoContent)
	expire(t, cli.File)
	next, err := cli.AccessToken(t.Context())
	if err != nil || next == first || !works(next) {
		t.Errorf("%v", err)
	}
	if again, err := cli.AccessToken(t.Context()); err != nil || again != next {
		t.Errorf("it was not kept: %v", err)
	}
	if err := cli.Logout(t.Context()); err != nil || works(next) {
		t.Errorf("signed out: %v", err)
	}
	if _, err := os.Stat(cli.File); !errors.Is(err, os.ErrNotExist) {
		t.Error("the tokens are kept")
	}

	// A session that was ended elsewhere is over here.
	p.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	if _, err := cli.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.DELETE("/v1/me/sessions?others=true").Want(http.StatusNoContent)
	expire(t, cli.File)
	if _, err := cli.AccessToken(t.Context()); !errors.Is(err, gocli.ErrSignedOut) {
		t.Errorf("ended elsewhere: %v", err)
	}
}

// expire has the access token of the file expired.
func expire(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old := regexp.MustCompile(`"expiry":"[^"]*"`).ReplaceAll(raw, []byte(`"expiry":"2020-01-01T00:00:00Z"`))
	if bytes.Equal(old, raw) {
		t.Fatalf("no expiry: %s", raw)
	}
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
}

// notice is where the command line writes to, of which the person reads the first line.
type notice chan string

func (n notice) Write(b []byte) (int, error) {
	n <- string(b)
	return len(b), nil
}

func TestCommandLineWithoutABrowser(t *testing.T) {
	t.Parallel()
	_, p, cli, id := newCLI(t)
	said := make(notice, 1)
	cli.Out = said
	go func() {
		line := <-said
		code := regexp.MustCompile(`[A-Z]{4}-[A-Z]{4}`).FindString(line)
		asked := p.POST("/v1/device", map[string]any{"user_code": code}).String("request")
		p.POST("/v1/device/decision", map[string]any{"request": asked, "decision": "allow"})
	}()
	u, err := cli.LoginElsewhere(t.Context())
	if err != nil || u.ID != id {
		t.Fatalf("%+v %v", u, err)
	}
	if _, err := cli.AccessToken(t.Context()); err != nil {
		t.Error(err)
	}
}
