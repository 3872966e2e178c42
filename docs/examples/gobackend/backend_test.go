package gobackend_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/docs/examples/gobackend"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const audience = "https://api.example.com"

// signedIn is a running service with a member of a team, and their access token.
func signedIn(t *testing.T, env ...string) (a *apptest.App, b *apptest.Browser, user, team, token string) {
	t.Helper()
	a = apptest.SQLite(t, append(env, "LATCHKEY_CLIENTS=web="+audience+",other=https://other.example.com")...)
	b = a.Browser()
	user = b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
	team = b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
	b.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
	return a, b, user, team, b.POST("/v1/token", map[string]any{"team_id": team}).Want(http.StatusOK).String("access_token")
}

func request(authorization string) *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://app.example/notes", strings.NewReader(`{"user_id":"mallory"}`))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", authorization)
	return r
}

func TestGoBackend(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"EdDSA", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			a, b, user, team, token := signedIn(t, "LATCHKEY_TOKEN_ALG="+alg)
			v := &gobackend.Verifier{Issuer: a.URL, Audience: audience, Now: a.Now}
			got, err := v.User(request("Bearer " + token))
			if err != nil || got.ID != user || got.Team != team || got.Role != "owner" || got.Session == "" {
				t.Fatalf("%+v, %v", got, err)
			}
			other := b.POST("/v1/token", map[string]any{"client_id": "other"}).Want(http.StatusOK).String("access_token")
			parts := strings.Split(token, ".")
			for name, authorization := range map[string]string{
				"nothing":          "",
				"no bearer":        "Basic " + token,
				"for another API":  "Bearer " + other,
				"another's claims": "Bearer " + parts[0] + "." + strings.Split(other, ".")[1] + "." + parts[2],
				"unsigned":         "Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + parts[1] + ".",
				"a session token":  "Bearer " + b.Cookie("latchkey"),
			} {
				if got, err := v.User(request(authorization)); err == nil {
					t.Errorf("%s: %+v", name, got)
				}
			}
			foreign, _, _, _, theirs := signedIn(t)
			if got, err := v.User(request("Bearer " + theirs)); err == nil {
				t.Errorf("of %s: %+v", foreign.URL, got)
			}

			// A key that has leaked is believed no longer than this.
			a.Freeze()
			fresh := b.POST("/v1/token", nil).Want(http.StatusOK).String("access_token")
			if _, err := v.User(request("Bearer " + fresh)); err != nil {
				t.Fatal(err)
			}
			if _, err := app.Keyring(a.Config, a.DB, slog.New(slog.DiscardHandler), a.Now).Rotate(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			a.Advance(90 * time.Second)
			if got, err := v.User(request("Bearer " + fresh)); err == nil {
				t.Errorf("by a removed key: %+v", got)
			}
			if _, err := v.User(request("Bearer " + b.POST("/v1/token", nil).Want(http.StatusOK).String("access_token"))); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPythonBackend(t *testing.T) {
	t.Parallel()
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), p, "-c", "import jwt, cryptography").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		const why = "no Python with PyJWT and cryptography (on Debian: apt-get install python3-jwt python3-cryptography)"
		if os.Getenv("CI") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	a, b, user, team, token := signedIn(t)
	run := func(authorization string) (string, error) {
		cmd := exec.CommandContext(t.Context(), python, "-c",
			"import sys, backend\nu = backend.Verifier(sys.argv[1], sys.argv[2]).user(sys.argv[3])\nprint(u['id'], u['team'], u['role'])", a.URL, audience, authorization)
		cmd.Dir = "../python"
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	if got, err := run("Bearer " + token); err != nil || got != user+" "+team+" owner" {
		t.Errorf("%q, %v", got, err)
	}
	other := b.POST("/v1/token", map[string]any{"client_id": "other"}).Want(http.StatusOK).String("access_token")
	parts := strings.Split(token, ".")
	for _, wrong := range []string{"", "Bearer ", "Basic " + token, "Bearer " + other, "Bearer " + token[:len(token)-4], "Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + parts[1] + "."} {
		if got, err := run(wrong); err == nil {
			t.Errorf("%.20s: %s", wrong, got)
		}
	}
}

func TestTheDocumentationShowsWhatIsTestedHere(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../backends.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"backend.go", "../python/backend.py"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), string(text)) {
			t.Errorf("docs/backends.md does not show %s as it is", file)
		}
	}
}
