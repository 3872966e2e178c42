package latchkey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	latchkey "github.com/latchkey/latchkey/sdk/go"
)

// whoami answers with the id of who asks.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if u, ok := latchkey.UserFrom(r.Context()); ok {
		_, _ = io.WriteString(w, "user "+u.ID)
	} else if m, ok := latchkey.MachineFrom(r.Context()); ok {
		_, _ = io.WriteString(w, "machine "+m.ID)
	} else {
		_, _ = io.WriteString(w, "no one")
	}
})

// ask sends a request with these Authorization headers.
func ask(t *testing.T, h http.Handler, authorization ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/teams/team-2?user=mallory", http.NoBody)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func wantProblem(t *testing.T, name string, w *httptest.ResponseRecorder, status int, code, challenge string) {
	t.Helper()
	var problem struct {
		Status int    `json:"status"`
		Code   string `json:"code"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != status || problem.Status != status || problem.Code != code {
		t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, status, code)
	}
	if got := w.Header().Get("WWW-Authenticate"); got != challenge {
		t.Errorf("%s: WWW-Authenticate is %q, want %q", name, got, challenge)
	}
	if w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %v", name, w.Header())
	}
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "k1", jose.EdDSA)
	i.publish(k)
	v := i.verifier()
	h := v.Middleware(whoami)
	token := i.sign(k, i.claims())
	for _, authorization := range []string{"Bearer " + token, "bearer " + token, "BEARER  " + token + " "} {
		if w := ask(t, h, authorization); w.Code != 200 || w.Body.String() != "user user-1" {
			t.Errorf("%.8s: %d %s", authorization, w.Code, w.Body)
		}
	}
	wantProblem(t, "nothing", ask(t, h), 401, "unauthenticated", "Bearer")
	wantProblem(t, "basic", ask(t, h, "Basic "+token), 401, "unauthenticated", "Bearer")
	wantProblem(t, "an empty token", ask(t, h, "Bearer "), 401, "unauthenticated", "Bearer")
	wantProblem(t, "two headers", ask(t, h, "Bearer "+token, "Bearer "+token), 401, "unauthenticated", "Bearer")
	wantProblem(t, "forged", ask(t, h, "Bearer "+token[:len(token)-3]+"AAA"), 401, "unauthenticated", `Bearer error="invalid_token"`)

	machine := i.sign(k, i.claims().with(values{"sub": "key-1", "sid": nil}))
	wantProblem(t, "a machine", ask(t, h, "Bearer "+machine), 403, "forbidden", "")
	if w := ask(t, i.verifier(latchkey.WithMachines()).Middleware(whoami), "Bearer "+machine); w.Body.String() != "machine key-1" {
		t.Errorf("a machine that is let in: %d %s", w.Code, w.Body)
	}

	open := v.Optional(whoami)
	for authorization, want := range map[string]string{"Bearer " + token: "user user-1", "": "no one", "Bearer x": "no one"} {
		if w := ask(t, open, authorization); w.Code != 200 || w.Body.String() != want {
			t.Errorf("open to all: %d %s, want %s", w.Code, w.Body, want)
		}
	}
	// What is refused inside is no one, even if one was found outside.
	if w := ask(t, v.Middleware(latchkey.NewVerifier(i.URL, "other").Optional(whoami)), "Bearer "+token); w.Body.String() != "no one" {
		t.Errorf("one inside another: %s", w.Body)
	}

	i.broken(faults["500"])
	away := i.verifier()
	w := ask(t, away.Middleware(whoami), "Bearer "+token)
	wantProblem(t, "without Latchkey", w, 503, "unavailable", "")
	if w.Header().Get("Retry-After") == "" {
		t.Error("503 does not say when to come back")
	}
	if w := ask(t, away.Optional(whoami), "Bearer "+token); w.Code != 200 || w.Body.String() != "no one" {
		t.Errorf("open to all, without Latchkey: %d %s", w.Code, w.Body)
	}
	wantProblem(t, "without Latchkey and without a token", ask(t, away.Middleware(whoami)), 401, "unauthenticated", "Bearer")
}

func TestRequireRole(t *testing.T) {
	t.Parallel()
	i, k := newIssuer(t), newKey(t, "k1", jose.EdDSA)
	i.publish(k)
	v := i.verifier(latchkey.WithMachines())
	ofPath := func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/teams/") }
	for name, c := range map[string]struct {
		h      http.Handler
		claims values
		status int
	}{
		"as an admin":                 {latchkey.RequireRole(latchkey.Admin)(whoami), nil, 200},
		"as less than an owner":       {latchkey.RequireRole(latchkey.Owner)(whoami), nil, 403},
		"without a team":              {latchkey.RequireRole(latchkey.Member)(whoami), values{"team": nil, "role": nil}, 403},
		"for an unknown role":         {latchkey.RequireRole("")(whoami), nil, 403},
		"in another team":             {latchkey.RequireTeamRole(latchkey.Member, ofPath)(whoami), nil, 403},
		"in the team of the path":     {latchkey.RequireTeamRole(latchkey.Member, ofPath)(whoami), values{"team": "team-2"}, 200},
		"a machine, as an admin":      {latchkey.RequireRole(latchkey.Admin)(whoami), values{"sid": nil}, 200},
		"a machine, in another team":  {latchkey.RequireTeamRole(latchkey.Member, ofPath)(whoami), values{"sid": nil}, 403},
		"a machine, less than needed": {latchkey.RequireRole(latchkey.Owner)(whoami), values{"sid": nil}, 403},
	} {
		if w := ask(t, v.Middleware(c.h), "Bearer "+i.sign(k, i.claims().with(c.claims))); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.status)
		}
	}
	wantProblem(t, "without the middleware", ask(t, latchkey.RequireRole(latchkey.Member)(whoami), "Bearer x"), 401, "unauthenticated", "Bearer")
	ctx := latchkey.WithUser(t.Context(), &latchkey.User{ID: "u", Team: "t", Role: latchkey.Owner})
	if err := latchkey.CheckRole(ctx, "t", latchkey.Admin); err != nil {
		t.Error(err)
	}
	if err := latchkey.CheckRole(ctx, "other", latchkey.Admin); !errors.Is(err, latchkey.ErrForbidden) {
		t.Error(err)
	}
}

func TestResourceMetadata(t *testing.T) {
	t.Parallel()
	const resource = "https://mcp.example.com/mcp"
	for uri, want := range map[string]string{
		resource: "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", "https://mcp.example.com": "https://mcp.example.com/.well-known/oauth-protected-resource",
		"https://mcp.example.com/": "https://mcp.example.com/.well-known/oauth-protected-resource",
	} {
		if got := latchkey.ResourceMetadataURL(uri); got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
	w := ask(t, latchkey.ResourceMetadata("https://auth.example.com/", resource, "tools:call"))
	if got, want := w.Body.String(), `{"resource":"https://mcp.example.com/mcp","authorization_servers":["https://auth.example.com"],"bearer_methods_supported":["header"],"scopes_supported":["tools:call"]}`; got != want || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%s, want %s; %v", got, want, w.Header())
	}
	v := latchkey.NewVerifier("https://auth.example.com", resource, latchkey.WithResource(resource))
	wantProblem(t, "nothing", ask(t, v.Middleware(whoami)), 401, "unauthenticated", `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"`)
}

// Not parallel: it replaces the default logger.
func TestWriteErrorLogsWhatTheClientIsNotShown(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	for err, logged := range map[error]bool{latchkey.ErrUnavailable: true, latchkey.ErrUnauthenticated: false, latchkey.ErrForbidden: false} {
		var said bytes.Buffer
		slog.SetDefault(slog.New(slog.NewTextHandler(&said, nil)))
		w := httptest.NewRecorder()
		latchkey.WriteError(w, fmt.Errorf("%w: the API key has expired", err))
		if strings.Contains(said.String(), "the API key has expired") != logged || strings.Contains(w.Body.String(), "expired") {
			t.Errorf("%v: logged %q, answered %s", err, &said, w.Body)
		}
	}
}
