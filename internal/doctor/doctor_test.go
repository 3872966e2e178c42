package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/doctor"
	"github.com/latchkey/latchkey/storage"
)

// world is an Internet of one server, and a database; its fields break parts.
type world struct {
	*httptest.Server
	issuer        string // what discovery says; "" is the truth
	apiStatus     int
	chainAnswer   string
	date          time.Time // of the server; zero is now
	ping, pending error
	redis         error
	schema        storage.Schema
	route         storage.Route
	lost          error
	backlog       audit.Backlog
	archived      audit.Archived
	databaseAhead time.Duration
	resolve       error
}

func newWorld(t *testing.T) *world {
	w := &world{apiStatus: http.StatusUnauthorized, chainAnswer: `{"jsonrpc":"2.0","id":1,"result":"0x2105"}`}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /op/.well-known/openid-configuration", func(res http.ResponseWriter, _ *http.Request) {
		issuer := w.issuer
		if issuer == "" {
			issuer = w.URL + "/op/"
		}
		_ = json.NewEncoder(res).Encode(map[string]string{"issuer": issuer})
	})
	mux.HandleFunc("GET /gh", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /gh/api/v3/user", func(res http.ResponseWriter, _ *http.Request) { res.WriteHeader(w.apiStatus) })
	mux.HandleFunc("POST /rpc/hunter2", func(res http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"eth_chainId"`) {
			res.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(res, w.chainAnswer)
	})
	w.Server = httptest.NewServer(http.HandlerFunc(func(res http.ResponseWriter, r *http.Request) {
		if !w.date.IsZero() {
			res.Header().Set("Date", w.date.UTC().Format(http.TimeFormat))
		}
		mux.ServeHTTP(res, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *world) Ping(context.Context) error { return w.ping }
func (w *world) Now(context.Context) (time.Time, error) {
	return time.Now().Add(w.databaseAhead), nil
}
func (w *world) Schema(context.Context) (storage.Schema, error) { return w.schema, w.pending }

func (w *world) Route(context.Context) (storage.Route, error) { return w.route, w.lost }

func (w *world) Backlog(context.Context) (audit.Backlog, error) { return w.backlog, nil }

func (w *world) Archived(context.Context) (audit.Archived, error) { return w.archived, nil }

// database hides Close of the server.
type database struct{ *world }

func (database) Close() error { return nil }

func (w *world) examine(t *testing.T, environ ...string) []doctor.Result {
	t.Helper()
	cfg, err := config.Load(append([]string{
		"LATCHKEY_SECRET=0123456789abcdefghijklmnopqrstuv", "LATCHKEY_DATABASE_URL=postgres://u:hunter2@db/latchkey",
		"LATCHKEY_PUBLIC_URL=https://id.example.com", "LATCHKEY_GOOGLE_ISSUER=" + w.URL + "/op/",
		"LATCHKEY_GOOGLE_CLIENT_ID=a", "LATCHKEY_GOOGLE_CLIENT_SECRET=hunter2",
		"LATCHKEY_GITHUB_URL=" + w.URL + "/gh", "LATCHKEY_GITHUB_API_URL=" + w.URL + "/gh/api/v3",
		"LATCHKEY_GITHUB_CLIENT_ID=a", "LATCHKEY_GITHUB_CLIENT_SECRET=hunter2",
		"LATCHKEY_REDIS_URL=redis://u:hunter2@h", "LATCHKEY_SIWE_CHAINS=8453", "LATCHKEY_ETHEREUM_RPC=8453=" + w.URL + "/rpc/hunter2",
	}, environ...), false)
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Run(t.Context(), cfg, doctor.Deps{
		OpenDatabase: func(context.Context, config.Config) (doctor.Database, error) { return database{w}, nil },
		HTTP:         w.Client(),
		LookupHost:   func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, w.resolve },
		PingRedis:    func(context.Context, string) error { return w.redis },
		Now:          time.Now,
	})
}

func TestHealthy(t *testing.T) {
	results := newWorld(t).examine(t)
	var out bytes.Buffer
	failed, err := doctor.Print(&out, results)
	if failed || err != nil {
		t.Errorf("failed %t, %v\n%s", failed, err, &out)
	}
	seen := map[string]bool{}
	for _, r := range results {
		seen[r.Check] = true
		if r.Level != doctor.OK || r.Fix != "" {
			t.Errorf("%+v", r)
		}
	}
	for _, check := range []string{"configuration", "database", "connections", "schema", "audit trail", "audit archive", "public URL", "google", "github", "chain 8453", "mail", "redis", "clock"} {
		if !seen[check] {
			t.Errorf("%s is not checked", check)
		}
	}
}

func TestSick(t *testing.T) {
	for name, tt := range map[string]struct {
		hurt    func(*world)
		environ string
		check   string
		level   doctor.Level
		says    string
		fix     string
	}{
		"database down":      {func(w *world) { w.ping = errors.New("refused") }, "", "database", doctor.Fail, "postgres://db/latchkey does not answer: refused", "LATCHKEY_DATABASE_URL"},
		"no tables":          {func(w *world) { w.schema.Pending = 2 }, "", "schema", doctor.Warn, "2 migrations", "migrate up"},
		"another's schema":   {func(w *world) { w.schema.Changed = []string{"00007_a.sql"} }, "", "schema", doctor.Fail, "00007_a.sql", "backup"},
		"nothing is chained": {func(w *world) { w.backlog = audit.Backlog{Events: 7, Oldest: time.Now().Add(-time.Hour)} }, "", "audit trail", doctor.Warn, "7 events", "start the service"},
		"chaining is held up": {
			func(w *world) {
				w.backlog = audit.Backlog{Events: 7, Oldest: time.Now().Add(-time.Hour), HeldBy: "transaction 5 of process 6"}
			},
			"", "audit trail", doctor.Warn, "transaction 5 of process 6", "end that transaction",
		},
		"nothing is archived": {
			func(w *world) { w.archived.Left = time.Now().Add(-20 * 24 * time.Hour) },
			"LATCHKEY_AUDIT_RETENTION=10d LATCHKEY_AUDIT_ARCHIVE_DIR=/tmp", "audit archive", doctor.Warn, "still in the trail", "could not archive",
		},
		"no directory for the archive": {
			func(*world) {}, "LATCHKEY_AUDIT_RETENTION=10d LATCHKEY_AUDIT_ARCHIVE_DIR=/nowhere", "audit archive", doctor.Fail, "/nowhere is no directory", "LATCHKEY_AUDIT_ARCHIVE_DIR",
		},
		"a pooler":         {func(w *world) { w.route.Pooled = true }, "", "connections", doctor.Warn, "not remembered", "LATCHKEY_DATABASE_DIRECT_URL"},
		"two poolers":      {func(w *world) { w.route = storage.Route{Pooled: true, HasDirect: true, DirectIsPooled: true} }, "", "connections", doctor.Warn, "through a pooler", "itself"},
		"no way past it":   {func(w *world) { w.lost = errors.New("no route") }, "", "connections", doctor.Fail, "no route", "LATCHKEY_DATABASE_DIRECT_URL"},
		"a standby":        {func(w *world) { w.schema.ReadOnly = true }, "", "schema", doctor.Fail, "read-only", "primary"},
		"foreign schema":   {func(w *world) { w.pending = errors.New("denied") }, "", "schema", doctor.Fail, "denied", "permissions"},
		"no file":          {func(*world) {}, "LATCHKEY_DATABASE_URL=sqlite:///nowhere/x.db", "database", doctor.Warn, "/nowhere/x.db is not there", "first start"},
		"name":             {func(w *world) { w.resolve = errors.New("no such host") }, "", "public URL", doctor.Fail, "id.example.com does not resolve", "LATCHKEY_PUBLIC_URL"},
		"other issuer":     {func(w *world) { w.issuer = "https://evil\x1b[2J" }, "", "google", doctor.Fail, "evil", "exactly as the issuer"},
		"issuer path":      {func(*world) {}, "LATCHKEY_GOOGLE_ISSUER=http://WORLD/nothing", "google", doctor.Fail, "404", "LATCHKEY_GOOGLE_ISSUER"},
		"issuer unreached": {func(*world) {}, "LATCHKEY_GOOGLE_ISSUER=http://127.0.0.1:1", "google", doctor.Fail, "cannot be reached", "LATCHKEY_GOOGLE_ISSUER"},
		"github down":      {func(w *world) { w.apiStatus = 502 }, "", "github", doctor.Fail, "502", "LATCHKEY_GITHUB_API_URL"},
		"no API":           {func(w *world) { w.apiStatus = 404 }, "", "github", doctor.Fail, "404", "/api/v3"},
		"wrong chain":      {func(w *world) { w.chainAnswer = `{"result":"0x1"}` }, "", "chain 8453", doctor.Fail, "is on chain 1", "1=..."},
		"RPC error":        {func(w *world) { w.chainAnswer = `{"error":{"message":"no key"}}` }, "", "chain 8453", doctor.Fail, "no key", "key"},
		"no RPC":           {func(w *world) { w.chainAnswer = `<html>` }, "", "chain 8453", doctor.Fail, "JSON-RPC", "LATCHKEY_ETHEREUM_RPC"},
		"nonsense":         {func(w *world) { w.chainAnswer = `{"result":"8453"}` }, "", "chain 8453", doctor.Fail, "not a chain id", "LATCHKEY_ETHEREUM_RPC"},
		"RPC unreached":    {func(*world) {}, "LATCHKEY_ETHEREUM_RPC=8453=http://127.0.0.1:1/hunter2", "chain 8453", doctor.Fail, "cannot be reached", "LATCHKEY_ETHEREUM_RPC"},
		"clock a bit off":  {func(w *world) { w.databaseAhead = 20 * time.Second }, "", "clock", doctor.Warn, "20s behind that of the database", "NTP"},
		"clock far off":    {func(w *world) { w.date = time.Now().Add(-time.Hour) }, "", "clock", doctor.Fail, "ahead of that of http://127.0.0.1", "NTP"},
		"redis down":       {func(w *world) { w.redis = errors.New("refused") }, "", "redis", doctor.Warn, "redis://h does not answer, so each replica limits on its own: refused", "LATCHKEY_REDIS_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tt.hurt(w)
			results := w.examine(t, strings.Fields(strings.ReplaceAll(tt.environ, "WORLD", w.Listener.Addr().String()))...)
			var out bytes.Buffer
			failed, err := doctor.Print(&out, results)
			if err != nil || failed != (tt.level == doctor.Fail) {
				t.Errorf("failed %t, %v", failed, err)
			}
			found := false
			for _, r := range results {
				found = found || r.Check == tt.check && r.Level == tt.level && strings.Contains(r.Message, tt.says) && strings.Contains(r.Fix, tt.fix)
			}
			if !found {
				t.Errorf("no %s of %s about %q, fix %q in\n%s", tt.level, tt.check, tt.says, tt.fix, &out)
			}
			if s := out.String(); strings.Contains(s, "hunter2") || strings.Contains(s, "\x1b") {
				t.Errorf("a secret or an escape is in\n%s", s)
			}
		})
	}
}

func TestNothingConfigured(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load([]string{"LATCHKEY_DATABASE_URL=sqlite://" + path}, true)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	failed, err := doctor.Print(&out, doctor.Run(t.Context(), cfg, doctor.Deps{
		OpenDatabase: func(context.Context, config.Config) (doctor.Database, error) { return database{w}, nil }, Now: time.Now,
	}))
	if failed || err != nil || strings.Count(out.String(), "off\n") != len(cfg.Providers) || !strings.Contains(out.String(), "no other clock") {
		t.Errorf("failed %t, %v\n%s", failed, err, &out)
	}
}

func TestUnusableConfiguration(t *testing.T) {
	_, err := config.Load([]string{"LATCHKEY_LISTEN=x"}, false)
	problems, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatal(err)
	}
	var out bytes.Buffer
	failed, err := doctor.Print(&out, doctor.Unusable(problems))
	if !failed || err != nil || !strings.Contains(out.String(), "LATCHKEY_LISTEN: ") || !strings.Contains(out.String(), "LATCHKEY_SECRET: ") {
		t.Errorf("failed %t, %v\n%s", failed, err, &out)
	}
}
