package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

func TestSecretsAreNeverPrinted(t *testing.T) {
	c := load(t,
		"LATCHKEY_SECRET=hunter2-hunter2-hunter2-hunter2-hunter2",
		"LATCHKEY_DATABASE_URL=postgres://u:hunter2@db:5432/latchkey?password=hunter2",
		"LATCHKEY_GOOGLE_CLIENT_ID=g", "LATCHKEY_GOOGLE_CLIENT_SECRET=hunter2",
		"LATCHKEY_GITHUB_CLIENT_ID=h", "LATCHKEY_GITHUB_CLIENT_SECRET=hunter2",
		"LATCHKEY_ETHEREUM_RPC=1=https://u:hunter2@rpc.example/v2/hunter2?key=hunter2",
		"LATCHKEY_SMTP_URL=smtp://u:hunter2@mail", "LATCHKEY_MAIL_FROM=id@example.com", "LATCHKEY_REDIS_URL=redis://:hunter2@cache",
	)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{c, &c, c.Secret, c.DatabaseURL, c.EthereumRPC, c.SMTPURL, []config.Secret{c.Secret}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).Info("loaded", "config", c, "secret", c.Secret, "database", c.DatabaseURL, "rpc", c.EthereumRPC)
	}
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74657232") {
		t.Errorf("a secret is in\n%s", s)
	}
	for _, kept := range []string{"postgres://db:5432/latchkey", "1=https://rpc.example", "[redacted]"} {
		if !strings.Contains(out.String(), kept) {
			t.Errorf("%s is missing: an operator needs it", kept)
		}
	}
	if c.DatabaseURL.Reveal() == c.DatabaseURL.String() || config.Secret("").String() != "" {
		t.Error("Reveal gives the value; no secret is no redaction")
	}
}

func TestWarnings(t *testing.T) {
	c := load(t, "LATCHKEY_PUBLIC_URL=https://id.example.com", "LATCHKEY_LISTEN=0.0.0.0:8080",
		"LATCHKEY_ALLOWED_ORIGINS=http://localhost:3000,https://app.example", "LATCHKEY_TRUSTED_PROXIES=10.0.0.0/8")
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("warned of %q", w)
	}
	c, err := config.Load([]string{
		"LATCHKEY_LISTEN=:8080", "LATCHKEY_ALLOWED_ORIGINS=http://app.example:3000",
		"LATCHKEY_TRUSTED_PROXIES=0.0.0.0/0",
	}, true, config.AllowRemoteDev(true))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(c.Warnings(), "\n")
	if moved := load(t, "LATCHKEY_LISTEN=127.0.0.1:9000").Warnings(); len(moved) != 1 || !strings.Contains(moved[0], "LATCHKEY_PUBLIC_URL is not set, so it is http://localhost:8080") {
		t.Errorf("a port that the public URL does not have: %q", moved)
	}
	if same := load(t, "LATCHKEY_LISTEN=0.0.0.0:8080").Warnings(); len(same) != 0 {
		t.Errorf("warned of %q", same)
	}
	for _, name := range []string{"LISTEN is :8080", "ALLOWED_ORIGINS", "TRUSTED_PROXIES"} {
		if !strings.Contains(all, name) {
			t.Errorf("no warning about %s in\n%s", name, all)
		}
	}
}
