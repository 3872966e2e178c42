package latchkey_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	latchkey "github.com/latchkey/latchkey/sdk/go"
)

func TestIntrospector(t *testing.T) {
	t.Parallel()
	var answer func(token string) (int, string)
	var url, lastIP string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/introspect" || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer lk_key" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		lastIP = r.FormValue("client_ip")
		status, body := answer(r.FormValue("token"))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	url = server.URL
	user := `"active":true,"iss":"` + url + `","sub":"user-1","sid":"session-1","team":"team-1","role":"owner","former_ids":["user-0"],"exp":1`
	answer = func(token string) (int, string) {
		return 200, map[string]string{
			"access":  `{` + user + `,"token_kind":"access_token","aud":"` + audience + `"}`,
			"other":   `{` + user + `,"token_kind":"access_token","aud":"https://other.example.com"}`,
			"refresh": `{` + user + `,"token_kind":"refresh_token","aud":"` + audience + `"}`,
			"session": `{` + user + `,"token_kind":"session"}`,
			"machine": `{"active":true,"iss":"` + url + `","sub":"key-1","team":"team-1","role":"admin","token_kind":"access_token","aud":"` + audience + `"}`,
			"foreign": `{"active":true,"iss":"https://evil.example.com","sub":"user-1","sid":"s","token_kind":"session"}`,
			"ended":   `{"active":false}`,
		}[token]
	}
	i := latchkey.NewIntrospector(url, "lk_key", latchkey.WithAudience(audience))
	for token, want := range map[string]error{
		"access": nil, "session": latchkey.ErrUnauthenticated, "other": latchkey.ErrUnauthenticated, "refresh": latchkey.ErrUnauthenticated, "ended": latchkey.ErrUnauthenticated,
		"machine": latchkey.ErrMachine, "foreign": latchkey.ErrUnavailable, "": latchkey.ErrUnauthenticated, "unknown": latchkey.ErrUnavailable,
	} {
		u, err := i.Verify(t.Context(), token)
		if !errors.Is(err, want) || (u == nil) != (want != nil) {
			t.Errorf("%s: %v, %v; want %v", token, u, err, want)
		}
		if u != nil && (u.ID != "user-1" || u.FormerIDs[0] != "user-0" || !u.HasRole("team-1", latchkey.Owner)) {
			t.Errorf("%s: %+v", token, u)
		}
	}
	said, err := i.Introspect(t.Context(), "refresh", "192.0.2.7")
	if err != nil || !said.Active || said.Kind != "refresh_token" || said.User.ID != "user-1" || lastIP != "192.0.2.7" {
		t.Errorf("%+v, %v, %s", said, err, lastIP)
	}
	if w := ask(t, i.Middleware(whoami), "Bearer access"); w.Body.String() != "user user-1" || lastIP != "192.0.2.1" {
		t.Errorf("%d %s from %s", w.Code, w.Body, lastIP)
	}
	wantProblem(t, "ended", ask(t, i.Middleware(whoami), "Bearer ended"), 401, "unauthenticated", `Bearer error="invalid_token"`)

	// Without an audience a token for another service must not open this one.
	any := latchkey.NewIntrospector(url, "lk_key")
	if _, err := any.Verify(t.Context(), "access"); !errors.Is(err, latchkey.ErrUnavailable) {
		t.Errorf("without an audience: %v", err)
	}
	if u, err := any.Verify(t.Context(), "session"); err != nil || u.ID != "user-1" {
		t.Errorf("a session token: %v, %v", u, err)
	}
	var zero *latchkey.Introspector
	for name, i := range map[string]*latchkey.Introspector{"nil": zero, "zero": {}, "another key": latchkey.NewIntrospector(url, "lk_old")} {
		if _, err := i.Verify(t.Context(), "session"); !errors.Is(err, latchkey.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, wrong := range map[string]func(string) (int, string){
		"500":      func(string) (int, string) { return 500, `{` + user + `,"token_kind":"session"}` },
		"limited":  func(string) (int, string) { return 429, "" },
		"a page":   func(string) (int, string) { return 200, "<html>" },
		"no user":  func(string) (int, string) { return 200, `{"active":true,"iss":"` + url + `"}` },
		"nonsense": func(string) (int, string) { return 200, `{"active":"yes"}` },
	} {
		answer = wrong
		wantProblem(t, name, ask(t, i.Middleware(whoami), "Bearer access"), 503, "unavailable", "")
	}
	server.Close()
	wantProblem(t, "away", ask(t, i.Middleware(whoami), "Bearer access"), 503, "unavailable", "")
	if w := ask(t, i.Optional(whoami), "Bearer session"); w.Body.String() != "no one" {
		t.Errorf("away, open to all: %s", w.Body)
	}
}
