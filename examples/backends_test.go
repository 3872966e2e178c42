package examples_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/events/sign"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const audience = "https://notes.example.com"

var webhookSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of twenty-four!"))

// member is a person who acts in a team.
type member struct {
	*apptest.Browser
	id, team string
}

// notes starts the service with a client for the backends.
func notes(t *testing.T, env ...string) *apptest.App {
	t.Helper()
	if engines := os.Getenv("LATCHKEY_TEST_ENGINES"); engines != "" && !strings.Contains(engines, "sqlite") {
		t.Skip("no example knows the engine: run on SQLite")
	}
	return apptest.SQLite(t, append(env, "LATCHKEY_CLIENTS=notes="+audience+",other=https://other.example.com")...)
}

func signIn(t *testing.T, a *apptest.App) member {
	t.Helper()
	b := a.Browser()
	m := member{Browser: b, id: b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")}
	m.team = b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
	b.POST("/v1/teams/"+m.team+"/sessions", nil).Want(http.StatusCreated)
	return m
}

// token returns an access token, in the team of the member.
func (m member) token(client string) string {
	return m.POST("/v1/token", map[string]any{"client_id": client, "team_id": m.team}).Want(http.StatusOK).String("access_token")
}

// forged returns tokens that no backend may take for one of Latchkey's.
func forged(t *testing.T, m member) map[string]string {
	t.Helper()
	token, other := m.token("notes"), m.token("other")
	foreign := signIn(t, notes(t))
	part := func(s string, i int) string { return strings.Split(s, ".")[i] }
	header := func(h string) string { return base64.RawURLEncoding.EncodeToString([]byte(h)) }
	return map[string]string{
		"nothing":          "",
		"for another API":  other,
		"another's claims": part(token, 0) + "." + part(other, 1) + "." + part(token, 2),
		"unsigned":         header(`{"alg":"none","typ":"at+jwt"}`) + "." + part(token, 1) + ".",
		"an unknown key":   header(`{"alg":"EdDSA","typ":"at+jwt","kid":"forged"}`) + "." + part(token, 1) + "." + part(token, 2),
		"a session token":  m.Cookie("latchkey"),
		"of another":       foreign.token("notes"),
		"cut":              token[:len(token)-4],
	}
}

// The backends do the same, each in its language: what they show is what the guides say.
func TestBackends(t *testing.T) {
	t.Parallel()
	for name, needs := range map[string][]string{"go-gin": nil, "express-api": nil, "django": {"django", "rest_framework", "jwt", "cryptography"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if needs != nil {
				python(t, needs...)
			}
			if _, err := os.Stat("../sdk/js/packages/express/dist"); err != nil && name == "express-api" {
				testkit.Missing(t, "the client libraries are not built: make sdk")
			}
			a := notes(t, "LATCHKEY_TOKEN_ALG="+map[string]string{"go-gin": "EdDSA", "django": "ES256", "express-api": "EdDSA"}[name])
			_, key, err := apikey.NewService(a.DB, identity.SystemClock).Create(t.Context(), nil, apikey.New{Name: "notes", Scopes: []apikey.Scope{apikey.ScopeIntrospect}})
			if err != nil {
				t.Fatal(err)
			}
			env := []string{"LATCHKEY_AUDIENCE=" + audience, "LATCHKEY_API_KEY=" + key, "WEBHOOK_SECRET=" + webhookSecret}
			url := run(t, name, append(env, "LATCHKEY_URL="+a.URL)...)
			ada, eve := signIn(t, a), signIn(t, a)
			token := ada.token("notes")

			if got := call(t, http.MethodGet, url+"/", "", nil); got.status != http.StatusOK {
				t.Errorf("the public page: %d %s", got.status, got.body)
			}
			var me struct{ ID, Team, Role string }
			if got := call(t, http.MethodGet, url+"/api/me", token, nil); json.Unmarshal([]byte(got.body), &me) != nil || me.ID != ada.id || me.Team != ada.team || me.Role != "owner" {
				t.Errorf("%d %s", got.status, got.body)
			}
			for why, wrong := range forged(t, ada) {
				got := call(t, http.MethodGet, url+"/api/me", wrong, nil)
				if got.status != http.StatusUnauthorized || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: %d %s", why, got.status, got.body)
				}
			}

			// The author is who sent it.
			if got := call(t, http.MethodPost, url+"/api/notes", token, map[string]any{"text": "hello", "author": eve.id}); got.status != http.StatusCreated || !strings.Contains(got.body, ada.id) || strings.Contains(got.body, eve.id) {
				t.Errorf("a note: %d %s", got.status, got.body)
			}
			if got := call(t, http.MethodPost, url+"/api/notes", token, map[string]any{}); got.status != http.StatusBadRequest {
				t.Errorf("a note without a text: %d %s", got.status, got.body)
			}
			if got := call(t, http.MethodGet, url+"/api/notes", eve.token("notes"), nil); got.status != http.StatusOK || got.body != "[]" {
				t.Errorf("notes of another: %d %s", got.status, got.body)
			}

			testWebhook(t, url, ada.id, eve.id)
			if got := call(t, http.MethodGet, url+"/api/notes", eve.token("notes"), nil); !strings.Contains(got.body, "hello") {
				t.Errorf("after a merge: %d %s", got.status, got.body)
			}

			for team, status := range map[string]int{eve.team: http.StatusForbidden, ada.team: http.StatusNoContent} {
				if got := call(t, http.MethodDelete, url+"/api/teams/"+team+"/notes", token, nil); got.status != status {
					t.Errorf("notes of a team: %d %s, want %d", got.status, got.body, status)
				}
			}
			if name == "go-gin" {
				testIntrospection(t, url, ada)
			}

			away := run(t, name, append(env, "LATCHKEY_URL=http://127.0.0.1:1")...)
			if got := call(t, http.MethodGet, away+"/", "", nil); got.status != http.StatusOK {
				t.Errorf("the public page without Latchkey: %d %s", got.status, got.body)
			}
			if got := call(t, http.MethodGet, away+"/api/me", token, nil); got.status != http.StatusServiceUnavailable || got.header.Get("WWW-Authenticate") != "" {
				t.Errorf("without Latchkey: %d %s", got.status, got.body)
			}
		})
	}
}

// testWebhook sends the event that two accounts became one.
func testWebhook(t *testing.T, url, from, into string) {
	t.Helper()
	body := fmt.Appendf(nil, `{"id":"e1","type":"user.merged","seq":1,"at":"2026-03-01T12:00:00Z","api_version":"v1","data":{"user_id":%q,"from":%q,"into":%q}}`, into, from, into)
	for secret, taken := range map[string]bool{"whsec_AAAA": false, webhookSecret: true} {
		signer, err := sign.NewSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		req, err := signer.Post(t.Context(), url+"/webhooks", "e1", time.Now(), body)
		if err != nil {
			t.Fatal(err)
		}
		if got := send(t, req); taken && got.status != http.StatusNoContent || !taken && (got.status < 400 || got.status >= 500) {
			t.Errorf("an event, whose signature is right: %t: %d %s", taken, got.status, got.body)
		}
	}
}

// testIntrospection calls what a session that has ended can do no more, at once.
func testIntrospection(t *testing.T, url string, m member) {
	t.Helper()
	token := m.token("notes")
	if got := call(t, http.MethodDelete, url+"/api/account/notes", token, nil); got.status != http.StatusNoContent {
		t.Errorf("with a session: %d %s", got.status, got.body)
	}
	m.DELETE("/v1/session").Want(http.StatusNoContent)
	if got := call(t, http.MethodGet, url+"/api/me", token, nil); got.status != http.StatusOK {
		t.Errorf("a token, for five minutes: %d %s", got.status, got.body)
	}
	if got := call(t, http.MethodDelete, url+"/api/account/notes", token, nil); got.status != http.StatusUnauthorized {
		t.Errorf("after signing out: %d %s", got.status, got.body)
	}
}

func TestPythonExample(t *testing.T) {
	t.Parallel()
	program := python(t, "jwt", "cryptography")
	a := notes(t)
	m := signIn(t, a)
	// One process for all, which prints a line for each.
	const script = `
import json, sys, backend, latchkey
verifier = backend.Verifier(sys.argv[1], sys.argv[2])
for authorization in json.loads(sys.argv[3]):
    try:
        user = verifier.user(authorization)
        print(user["id"], user["team"], user["role"])
    except latchkey.Unauthenticated:
        print("401")
`
	names, headers := []string{"right"}, []string{"bearer " + m.token("notes")}
	for name, token := range forged(t, m) {
		names, headers = append(names, name), append(headers, "Bearer "+token)
	}
	sent, err := json.Marshal(headers)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-c", script, a.URL, audience, string(sent))
	cmd.Dir = "../docs/examples/python"
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || len(lines) != len(names) {
		t.Fatalf("%v: %s", err, out)
	}
	for i, name := range names {
		want := "401"
		if name == "right" {
			want = m.id + " " + m.team + " owner"
		}
		if lines[i] != want {
			t.Errorf("%s: %s, want %s", name, lines[i], want)
		}
	}
}
