package api_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestBodyRules(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	nested := func(open, end string, n int) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }
	const post, patch = http.MethodPost, http.MethodPatch
	for _, c := range []struct {
		name, method, path, contentType, body string
		status                                int
		code, field                           string
	}{
		{"unknown field", post, "/v1/teams", "", `{"name":"a","owner":"me"}`, 400, "invalid_request", ""},
		{"unknown field of a prototype", post, "/v1/teams", "", `{"name":"a","__proto__":{}}`, 400, "invalid_request", ""},
		{"field in other case", post, "/v1/teams", "", `{"Name":"a"}`, 400, "invalid_request", ""},
		{"field twice, once in other case", post, "/v1/teams", "", `{"name":"a","NAME":"b"}`, 400, "invalid_request", ""},
		{"data behind the value", post, "/v1/teams", "", `{"name":"a"}{"name":"b"}`, 400, "invalid_request", ""},
		{"a comma behind the value", post, "/v1/teams", "", `{"name":"a"},`, 400, "invalid_request", ""},
		{"a list", post, "/v1/teams", "", `[{"name":"a"}]`, 400, "invalid_request", ""},
		{"a string", post, "/v1/teams", "", `"name"`, 400, "invalid_request", ""},
		{"null", post, "/v1/teams", "", `null`, 400, "invalid_request", ""},
		{"a number", post, "/v1/teams", "", `1`, 400, "invalid_request", ""},
		{"an empty body", post, "/v1/teams", "", ``, 400, "invalid_request", "name"},
		{"white space", post, "/v1/teams", "", ` `, 400, "invalid_request", ""},
		{"half an object", post, "/v1/teams", "", `{"name":`, 400, "invalid_request", ""},
		{"a comment", post, "/v1/teams", "", `{"name":"a"/**/}`, 400, "invalid_request", ""},
		{"single quotes", post, "/v1/teams", "", `{'name':'a'}`, 400, "invalid_request", ""},
		{"a byte order mark", post, "/v1/teams", "", "\ufeff" + `{"name":"a"}`, 400, "invalid_request", ""},
		{"UTF-16", post, "/v1/teams", "", "\xff\xfe{\x00}\x00", 400, "invalid_request", ""},
		{"invalid UTF-8", post, "/v1/teams", "", "{\"name\":\"\xc3\x28\"}", 400, "invalid_request", ""},
		{"a raw NUL", post, "/v1/teams", "", "{\"name\":\"a\x00\"}", 400, "invalid_request", ""},
		{"an escaped NUL", post, "/v1/teams", "", `{"name":"a\u0000"}`, 400, "invalid_request", ""},
		{"an escaped NUL in a key", patch, "/v1/me", "", `{"metadata":{"a\u0000":1}}`, 400, "invalid_request", ""},
		{"a raw line break in a string", post, "/v1/teams", "", "{\"name\":\"a\nb\"}", 400, "invalid_request", ""},
		{"an escaped line break in a name", post, "/v1/teams", "", `{"name":"a\nb"}`, 400, "invalid_request", "name"},
		{"a name of spaces", post, "/v1/teams", "", `{"name":"   "}`, 400, "invalid_request", "name"},
		{"a name of 101 characters", post, "/v1/teams", "", `{"name":"` + strings.Repeat("a", 101) + `"}`, 400, "invalid_request", "name"},
		{"a null name", post, "/v1/teams", "", `{"name":null}`, 400, "invalid_request", "name"},
		{"nesting without end", patch, "/v1/me", "", `{"metadata":{"a":` + nested("[", "]", 20000) + `}}`, 400, "invalid_request", ""},
		{"a number beyond floats", patch, "/v1/me", "", `{"metadata":{"a":1e999}}`, 400, "invalid_request", ""},
		{"metadata of 17 KiB", patch, "/v1/me", "", `{"metadata":{"a":"` + strings.Repeat("a", 17<<10) + `"}}`, 400, "invalid_request", "metadata"},
		{"metadata that is a list", patch, "/v1/me", "", `{"metadata":[1]}`, 400, "invalid_request", "metadata"},
		{"nothing to change", patch, "/v1/me", "", `{}`, 400, "invalid_request", ""},
		{"script for an avatar", patch, "/v1/me", "", `{"avatar_url":"javascript:alert(1)"}`, 400, "invalid_request", "avatar_url"},
		{"http for an avatar", patch, "/v1/me", "", `{"avatar_url":"http://evil.example/a.png"}`, 400, "invalid_request", "avatar_url"},
		{"64 KiB and one byte", post, "/v1/teams", "", `{"name":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "body_too_large", ""},
		{"text", post, "/v1/teams", "text/plain", `{"name":"a"}`, 415, "unsupported_media_type", ""},
		{"a form", post, "/v1/teams", "application/x-www-form-urlencoded", `name=a`, 415, "unsupported_media_type", ""},
		{"a form with files", post, "/v1/teams", "multipart/form-data; boundary=a", "--a--", 415, "unsupported_media_type", ""},
		{"XML", post, "/v1/teams", "application/xml", `<name>a</name>`, 415, "unsupported_media_type", ""},
		{"JSON of another kind", post, "/v1/teams", "application/ld+json", `{"name":"a"}`, 415, "unsupported_media_type", ""},
		{"JSON in Latin-1", post, "/v1/teams", "application/json; charset=latin1", `{"name":"a"}`, 415, "unsupported_media_type", ""},
		{"no content type", post, "/v1/teams", "-", `{"name":"a"}`, 415, "unsupported_media_type", ""},
		{"a content type that is none", post, "/v1/teams", "application/json, text/plain", `{"name":"a"}`, 415, "unsupported_media_type", ""},
		{"a name twice", post, "/v1/teams", "", `{"name":"a","name":"b"}`, 400, "invalid_request", "name"},
		{"a name twice, once escaped", post, "/v1/teams", "", `{"name":"a","\u006eame":"b"}`, 400, "invalid_request", "name"},
		{"a name twice with one value", patch, "/v1/me", "", `{"display_name":"a","display_name":"a"}`, 400, "invalid_request", "display_name"},
		{"a name twice in metadata", patch, "/v1/me", "", `{"metadata":{"a":[{"b":{"c":1,"c":1}}]}}`, 400, "invalid_request", "metadata.a.b.c"},
		{"a name twice where no body is taken", http.MethodDelete, "/v1/session", "", `{"a":1,"a":2}`, 400, "invalid_request", "a"},
		{"a name twice in a call without a session", post, "/v1/auth/siwe/challenge", "", `{"chain_id":1,"chain_id":10}`, 400, "invalid_request", "chain_id"},
		{"an unknown query parameter", post, "/v1/teams?team=a", "", `{"name":"a"}`, 400, "invalid_request", "team"},
		{"an unknown query parameter of a deletion", http.MethodDelete, "/v1/session?all=true", "", ``, 400, "invalid_request", "all"},
		{"a body where there is none", http.MethodGet, "/v1/me", "", `{"a":1}`, 400, "invalid_request", ""},
		{"a body with a deletion", http.MethodDelete, "/v1/session", "", `{"a":1}`, 400, "invalid_request", ""},
		{"a huge body with a read", http.MethodGet, "/v1/me", "", strings.Repeat("a", 70<<10), 413, "body_too_large", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.In(t)
			switch c.contentType {
			case "":
			case "-":
				b.Header["Content-Type"] = nil
			default:
				b.Header.Set("Content-Type", c.contentType)
			}
			a.Unchanged(t, func() {
				answer := b.Do(c.method, c.path, strings.NewReader(c.body)).WantProblem(c.status, c.code)
				if got := answer.String("field"); c.field != "" && got != c.field {
					t.Errorf("field %q, want %q: %s", got, c.field, answer.Body)
				}
			})
		})
	}
}

// Both engines take what is nested as deep as it may be; deeper is refused.
func TestDeepMetadata(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		for _, depth := range []int{10, 15, 16, 1000, 4000, 8000} {
			body := `{"metadata":{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}}`
			b.Do(http.MethodPatch, "/v1/me", strings.NewReader(body)).Want(map[bool]int{true: http.StatusOK, false: http.StatusBadRequest}[depth < identity.MaxMetadataDepth])
			b.GET("/v1/session").Want(http.StatusOK)
		}
		for _, text := range []string{`\ud800`, `\udfff\ud800`, `\u0001\u001b`, `\u2028\u202e`, `\\u0041`, `é`, `'; DROP TABLE users; --`, `%s%n?$1`, `\"`} {
			answer := b.Do(http.MethodPatch, "/v1/me", strings.NewReader(`{"metadata":{"`+text+`":"`+text+`"}}`)).Want(http.StatusOK)
			if after := b.GET("/v1/me").Want(http.StatusOK); fmt.Sprint(after.Get("metadata")) != fmt.Sprint(answer.Get("metadata")) {
				t.Errorf("%s came back as %s", text, after.Body)
			}
		}
	})
}

func TestParameters(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		team := b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
		a.Exec("UPDATE users SET operator = true")
		for _, list := range []string{
			"/v1/me/identities", "/v1/me/sessions", "/v1/me/invitations", "/v1/teams", "/v1/teams/" + team + "/sessions",
			"/v1/teams/" + team + "/members", "/v1/teams/" + team + "/invitations", "/v1/admin/users", "/v1/admin/sessions",
		} {
			for _, q := range []string{
				"limit=0", "limit=-1", "limit=101", "limit=abc", "limit=1.5", "limit=99999999999999999999", "limit=0x10", "limit=1e1",
				"limit=%00", "limit=%FF", "cursor=garbage", "cursor=%00", "cursor=AAAA", "cursor=%FF%FE", "cursor=" + strings.Repeat("A", 300),
				"cursor=00000000-0000-0000-0000-000000000000", "cursor='--",
			} {
				if answer := b.GET(list + "?" + q); answer.Status != http.StatusBadRequest {
					t.Errorf("%s?%s: %d %s", list, q, answer.Status, answer.Body)
				}
			}
			for _, q := range []string{
				"emial=a@b.example", "limit=1&emial=", "Limit=1", "limit=1&limit=2", "limit=1;cursor=a", "limit%zz=1", "=", "limit[]=1", "page=2",
			} {
				b.GET(list+"?"+q).WantProblem(http.StatusBadRequest, "invalid_request")
			}
			b.GET(list + "?limit=1").Want(http.StatusOK)
			b.GET(list + "?limit=100&cursor=" + strings.Repeat("A", 22)).Want(http.StatusOK)
		}
		for _, path := range []string{
			"/v1/teams/x", "/v1/teams/" + team + "x", "/v1/teams/%00", "/v1/teams/" + strings.ToUpper(team)[1:], "/v1/teams/'--",
			"/v1/admin/users/x", "/v1/teams/" + team + "/sessions?user_id=x", "/v1/admin/sessions?user_id=1", "/v1/admin/sessions?status=open",
			"/v1/teams/" + team + "/sessions?status=ACTIVE", "/v1/admin/users?wallet=0x", "/v1/admin/users?wallet=", "/v1/admin/users?wallet=0x" + strings.Repeat("g", 40),
			"/v1/admin/users?email=nobody", "/v1/admin/users?email=a@b.example,c@d.example", "/v1/admin/users?email=%FF@b.example", "/v1/admin/users?email=",
		} {
			if answer := b.GET(path); answer.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", path, answer.Status, answer.Body)
			}
		}
		// Text that no database takes, or that means something to LIKE.
		for _, provider := range []string{"%00", "%FF", "%25", "_", "!", "'", "%F0%9F%A6%84", "siwe%20google"} {
			answer := b.GET("/v1/teams/" + team + "/sessions?provider=" + provider)
			if answer.Status == http.StatusOK && answer.Len("data") != 0 || answer.Status != http.StatusOK && answer.Status != http.StatusBadRequest {
				t.Errorf("provider %s: %d %s", provider, answer.Status, answer.Body)
			}
		}
	})
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser()
	for _, path := range []string{"/v1", "/v1/", "/v1/nothing", "/v1/me/", "/v1//me", "/v1/me/../admin/users", "/v1/session/x", "/V1/me", "/v1/teams/x/y/z/w", "/v1/.env"} {
		answer := b.GET(path)
		if strings.HasPrefix(path, "/v1") {
			answer.WantProblem(http.StatusNotFound, "not_found")
		}
	}
	for _, c := range [][2]string{
		{"PUT", "/v1/me"}, {"POST", "/v1/me"}, {"GET", "/v1/auth/siwe/verify"}, {"PUT", "/v1/auth/google/start"},
		{"PATCH", "/v1/session"}, {"TRACE", "/v1/me"}, {"OPTIONS", "/v1/me"}, {"FOO", "/v1/teams"}, {"DELETE", "/v1/teams"}, {"POST", "/healthz"}, {"HEAD", "/v1/auth/google/callback"},
	} {
		answer := b.Do(c[0], c[1], nil).Want(http.StatusMethodNotAllowed)
		if answer.Header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c[0], c[1])
		}
		if c[0] != "HEAD" {
			answer.WantProblem(http.StatusMethodNotAllowed, "method_not_allowed")
		}
	}
	b.With("X-HTTP-Method-Override", "DELETE").GET("/v1/me").WantProblem(http.StatusUnauthorized, "unauthenticated")
}

func TestRawRequests(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	host := "Host: " + a.Config.PublicURL.Host + "\r\n"
	for name, c := range map[string]struct {
		request string
		status  int // 0: closed without an answer is fine too
	}{
		"huge header":          {"GET /v1/me HTTP/1.1\r\n" + host + "X-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431},
		"many headers":         {"GET /v1/me HTTP/1.1\r\n" + host + strings.Repeat("X-A: a\r\n", 20000) + "\r\n", 431},
		"huge cookie":          {"GET /v1/session HTTP/1.1\r\n" + host + "Cookie: latchkey=" + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431},
		"huge URL":             {"GET /v1/me?" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\n" + host + "\r\n", 431},
		"two lengths":          {"POST /v1/teams HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400},
		"length and chunks":    {"POST /v1/auth/siwe/challenge HTTP/1.1\r\n" + host + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
		"negative length":      {"POST /v1/teams HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
		"unknown coding":       {"POST /v1/teams HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
		"no host":              {"GET /v1/me HTTP/1.1\r\n\r\n", 400},
		"NUL in the path":      {"GET /v1/\x00me HTTP/1.1\r\n" + host + "\r\n", 400},
		"half an escape":       {"GET /v1/%f HTTP/1.1\r\n" + host + "\r\n", 400},
		"not HTTP":             {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		"an answer for a path": {"GET /v1/me HTTP/1.1\r\n" + host + "Cookie: latchkey=\"a\r\n b\"\r\n\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			answer := a.Raw(t, []byte(c.request))
			if answer == nil && c.status == 0 {
				return
			}
			if answer == nil || c.status != 0 && answer.Status != c.status || answer.Status == http.StatusInternalServerError {
				t.Errorf("answer %+v, want %d", answer, c.status)
			}
		})
	}
}

// A client that sends a byte now and then is not waited for.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	a := apptest.StartServer(t, apptest.DatabaseURL(t, "sqlite"), func(s *http.Server) {
		s.ReadHeaderTimeout, s.ReadTimeout = 200*time.Millisecond, 400*time.Millisecond
	})
	host := "Host: " + a.Config.PublicURL.Host + "\r\n"
	body := a.Raw(t, []byte("POST /v1/auth/siwe/challenge HTTP/1.1\r\n"+host+"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"))
	if body == nil {
		t.Fatal("no answer to half a body")
	}
	body.WantProblem(http.StatusRequestTimeout, "request_timeout")
	if head := a.Raw(t, []byte("GET /v1/me HTTP/1.1\r\n"+host+"X-Slow: ")); head != nil && head.Status != http.StatusRequestTimeout {
		t.Errorf("half a header got %d", head.Status)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", a.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	a.Browser().GET("/healthz").Want(http.StatusOK) // a silent connection does not block others
}
