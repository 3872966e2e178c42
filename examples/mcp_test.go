package examples_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestMCP(t *testing.T) {
	t.Parallel()
	a := notes(t, "LATCHKEY_DYNAMIC_REGISTRATION=true")
	port := testkit.FreePort(t)
	resource := "http://localhost:" + port + "/mcp"
	if _, err := app.Clients(a.Config, a.DB, identity.SystemClock).CreateResource(t.Context(), nil, client.Resource{URI: resource, Scopes: client.Words{"tools:call"}}); err != nil {
		t.Fatal(err)
	}
	runAt(t, "mcp", port, "LATCHKEY_URL="+a.URL)
	ada := signIn(t, a)

	// A person whose client is of the team, and programs of the team, by its API keys.
	owner, member := teamToken(t, a, ada, resource), machineToken(t, a, ada, "member")
	for _, c := range []struct{ name, token, tool, arguments, want string }{
		{"a member", member, "add_note", `{"text":"hello"}`, ""},
		{"the owner", owner, "list_notes", `{}`, "hello"},
		{"a member", member, "delete_notes", `{}`, "latchkey: forbidden"},
		{"the owner", owner, "delete_notes", `{}`, ""},
		{"a member", member, "list_notes", `{}`, `"notes":[]`},
	} {
		got := callTool(t, resource, c.token, c.tool, c.arguments)
		failed := strings.Contains(got.body, `"isError":true`)
		if got.status != http.StatusOK || !strings.Contains(got.body, c.want) || failed != strings.HasPrefix(c.want, "latchkey: ") {
			t.Errorf("%s calls %s: %d %s", c.name, c.tool, got.status, got.body)
		}
	}

	// Tokens for other services, and none.
	for why, token := range map[string]string{"for the notes": ada.token("notes"), "nothing": ""} {
		got := callTool(t, resource, token, "list_notes", `{}`)
		if want := "http://localhost:" + port + "/.well-known/oauth-protected-resource/mcp"; got.status != http.StatusUnauthorized || !strings.Contains(got.header.Get("WWW-Authenticate"), `resource_metadata="`+want+`"`) {
			t.Errorf("%s: %d %v", why, got.status, got.header)
		}
	}

	// An agent finds the way to the sign-in by itself; without a team no tool works for it.
	token := agentToken(t, a, ada, resource)
	if got := callTool(t, resource, token, "list_notes", `{}`); got.status != http.StatusOK || !strings.Contains(got.body, "latchkey: forbidden") {
		t.Errorf("an agent without a team: %d %s", got.status, got.body)
	}
}

// callTool calls a tool of an MCP server.
func callTool(t *testing.T, resource, token, tool, arguments string) answer {
	t.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + arguments + `}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resource, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return send(t, req)
}

// machineToken returns a token of a new API key of the member's team.
func machineToken(t *testing.T, a *apptest.App, m member, role string) string {
	t.Helper()
	made := m.POST("/v1/teams/"+m.team+"/api-keys", map[string]any{"name": role, "role": role}).Want(http.StatusCreated)
	return tokenFor(t, a, url.Values{"grant_type": {"client_credentials"}, "client_id": {made.String("key.id")}, "client_secret": {made.String("secret")}})
}

// teamToken returns a member's token by a client of their team.
func teamToken(t *testing.T, a *apptest.App, m member, resource string) string {
	t.Helper()
	const redirect = "http://127.0.0.1:9/callback"
	team := uuid.MustParse(m.team)
	c, _, err := app.Clients(a.Config, a.DB, identity.SystemClock).Create(t.Context(), nil, client.Client{
		Name: "Agent", Kind: client.Public, Trusted: true, RedirectURIs: client.Words{redirect}, Grants: client.Words{client.GrantCode},
		Scopes: client.StandardScopes, Resources: client.Words{resource}, TeamID: &team,
	})
	if err != nil {
		t.Fatal(err)
	}
	verifier := oauth2.GenerateVerifier()
	asked := url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {redirect}, "resource": {resource}, "scope": {"openid"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
	back, err := url.Parse(m.GET("/oauth2/authorize?" + asked.Encode()).Want(http.StatusFound).Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return tokenFor(t, a, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {c.ID}, "code": {back.Query().Get("code")}, "redirect_uri": {redirect},
		"code_verifier": {verifier}, "resource": {resource},
	})
}

// tokenFor returns the access token that the token endpoint gives for a form.
func tokenFor(t *testing.T, a *apptest.App, form url.Values) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got := send(t, req)
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(got.body), &token); err != nil || token.Access == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return token.Access
}

// agentToken returns the token that the client of the MCP TypeScript SDK gets, which knows
// nothing but the server.
func agentToken(t *testing.T, a *apptest.App, m member, resource string) string {
	t.Helper()
	const folder = "../api/testdata/clients"
	if _, err := os.Stat(folder + "/node_modules"); err != nil {
		testkit.Missing(t, "the clients are not installed: make "+strings.TrimPrefix(folder, "../")+"/node_modules/.installed")
	}
	cmd := exec.CommandContext(t.Context(), "node", "mcp.mjs")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "ISSUER="+a.URL, "COOKIE=latchkey="+m.Cookie("latchkey"), "RESOURCE="+resource, "REDIRECT_URI=http://127.0.0.1:9/callback")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	var got struct {
		Access string `json:"access_token"`
		Called int
	}
	// The script calls by GET, which a server without a stream refuses after the token.
	if err != nil || json.Unmarshal(out, &got) != nil || got.Called != http.StatusMethodNotAllowed {
		t.Fatalf("%v: %s %s", err, out, &said)
	}
	return got.Access
}
