//go:build unix

package main

import (
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

var update = flag.Bool("update", false, "write the table of docs/observability.md instead of comparing it")

const (
	metricsPage = "../../docs/observability.md"
	tableBegins = "<!-- This table is written from a scrape by: go test ./cmd/latchkey -run Metrics -update -->\n\n"
)

// What the page, the dashboard and the alerts say of metrics is true of a scrape.
func TestMetrics(t *testing.T) {
	t.Parallel()
	families := scrape(t)
	t.Run("page", func(t *testing.T) { documented(t, families) })
	t.Run("dashboard", func(t *testing.T) {
		var dashboard any
		if err := json.Unmarshal(readFile(t, "../../deploy/grafana/latchkey.json"), &dashboard); err != nil {
			t.Fatal(err)
		}
		found := texts(dashboard, "expr")
		if len(found) < 50 {
			t.Errorf("only %d expressions", len(found))
		}
		for _, expr := range found {
			named(t, families, expr)
		}
	})
	t.Run("alerts", func(t *testing.T) {
		named(t, families, string(regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAll(readFile(t, "../../deploy/prometheus/alerts.yaml"), nil)))
	})
}

// scrape runs the service with everything that has metrics, uses it, and returns what
// Prometheus would read of it.
func scrape(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	at := "127.0.0.1:" + testkit.FreePort(t)
	r := newReplica(t, "sqlite://"+filepath.Join(t.TempDir(), "l.db"), "LATCHKEY_METRICS_LISTEN="+at,
		"LATCHKEY_GOOGLE_CLIENT_ID=id", "LATCHKEY_GOOGLE_CLIENT_SECRET=secret", "LATCHKEY_ETHEREUM_RPC=1=http://127.0.0.1:1",
		"LATCHKEY_SMTP_URL=smtp://127.0.0.1:1?starttls=never", "LATCHKEY_MAIL_FROM=id@example.com",
		"LATCHKEY_HOOK_TOKEN_URL=http://127.0.0.1:1", "LATCHKEY_HOOK_TOKEN_SECRET=whsec_bGF0Y2hrZXkgbGF0Y2hrZXkgbGF0Y2hrZXk=", "LATCHKEY_HOOK_ALLOWED_HOSTS=127.0.0.1:1")
	r.awaitReady()
	w := apptest.NewWallet(t)
	challenge, err := r.ask(http.MethodPost, "/v1/auth/siwe/challenge", "", map[string]any{"address": w.Address.Hex()})
	if err != nil {
		t.Fatal(err)
	}
	message := challenge.text("message")
	if got, err := r.ask(http.MethodPost, "/v1/auth/siwe/verify", "", map[string]any{"message": message, "signature": w.Sign(t, message)}, challenge.cookies...); err != nil || got.status != http.StatusOK {
		t.Fatalf("%+v, %v", got, err)
	}
	var text string
	until(t, "has counted and chained", func() bool {
		res, err := r.http.Get("http://" + at + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		raw, err := io.ReadAll(res.Body)
		text = string(raw)
		return err == nil && strings.Contains(text, "\nlatchkey_users ") && strings.Contains(text, "\nlatchkey_outbox_tasks{") &&
			strings.Contains(text, `latchkey_audit_events_total{action="user.created"} 1`) && strings.Contains(text, `latchkey_sweeps_total{outcome="done"} 1`)
	})
	for _, personal := range []string{w.Address.Hex(), strings.ToLower(w.Address.Hex())} {
		if strings.Contains(text, personal) {
			t.Errorf("%s is in the metrics", personal)
		}
	}
	for _, line := range []string{
		"latchkey_ready 1", "latchkey_database_up 1", "latchkey_database_read_only 0", "latchkey_schema_pending_migrations 0", `latchkey_ethereum_rpc_up{chain_id="1",endpoint="127.0.0.1:1"} 0`,
		`latchkey_decisions_total{outcome="create",provider="siwe",reason="new_person"} 1`, `latchkey_audit_events_total{action="operator.granted"} 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// documented compares the table of the page with a scrape, or writes it.
func documented(t *testing.T, families map[string]*dto.MetricFamily) {
	t.Helper()
	var table strings.Builder
	table.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		if !strings.HasPrefix(name, "latchkey_") {
			continue
		}
		labels := slices.Sorted(maps.Keys(labelsOf(f)))
		for i := range labels {
			labels[i] = "`" + labels[i] + "`"
		}
		table.WriteString("| `" + name + "` | " + strings.ToLower(f.GetType().String()) + " | " + strings.Join(labels, ", ") + " | " + f.GetHelp() + " |\n")
	}
	page := string(readFile(t, metricsPage))
	before, rest, ok := strings.Cut(page, tableBegins)
	is, after, whole := strings.Cut(rest, "\n\n")
	if !ok || !whole {
		t.Fatalf("%s has no table", metricsPage)
	}
	if *update {
		if err := os.WriteFile(metricsPage, []byte(before+tableBegins+table.String()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if is+"\n" != table.String() {
		t.Errorf("%s is not what a scrape has; run: go test ./cmd/latchkey -run Metrics -update\n%s", metricsPage, table.String())
	}
}

func labelsOf(f *dto.MetricFamily) map[string]bool {
	out := map[string]bool{}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			out[l.GetName()] = true
		}
	}
	return out
}

var (
	metricName = regexp.MustCompile(`\b(?:latchkey|go|process)_[a-z0-9_]+`)
	selectors  = regexp.MustCompile(`\b((?:latchkey|go|process)_[a-z0-9_]+)\{([^}]*)\}`)
	labelName  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	ofScrape   = []string{"instance", "job", "le"} // what Prometheus adds, and buckets
)

// named reports an expression that names a metric or a label that there is not.
func named(t *testing.T, families map[string]*dto.MetricFamily, expr string) {
	t.Helper()
	family := func(name string) *dto.MetricFamily {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			if f, ok := families[strings.TrimSuffix(name, suffix)]; ok && strings.HasSuffix(name, suffix) && (suffix == "" || f.GetType() == dto.MetricType_HISTOGRAM) {
				return f
			}
		}
		return nil
	}
	for _, name := range metricName.FindAllString(expr, -1) {
		if family(name) == nil {
			t.Errorf("there is no metric %s, which is named in %.200s", name, expr)
		}
	}
	for _, m := range selectors.FindAllStringSubmatch(expr, -1) {
		f := family(m[1])
		if f == nil {
			continue
		}
		for _, label := range labelName.FindAllStringSubmatch(m[2], -1) {
			if !labelsOf(f)[label[1]] && !slices.Contains(ofScrape, label[1]) {
				t.Errorf("%s has no label %s: %s", m[1], label[1], m[0])
			}
		}
	}
}

// texts are the values of a key in a document of JSON.
func texts(v any, key string) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, value := range v {
			if text, ok := value.(string); ok && k == key {
				out = append(out, text)
			} else {
				out = append(out, texts(value, key)...)
			}
		}
	case []any:
		for _, value := range v {
			out = append(out, texts(value, key)...)
		}
	}
	return out
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
