package config_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/config"
)

const secret = "LATCHKEY_SECRET=0123456789abcdefghijklmnopqrstuv"

func load(t *testing.T, environ ...string) config.Config {
	t.Helper()
	c, err := config.Load(append([]string{secret}, environ...), false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reported returns the names of the variables an error is about.
func reported(t *testing.T, err error) []string {
	t.Helper()
	problems, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("error is %v, want a *config.Error", err)
	}
	var names []string
	for _, p := range problems.Problems {
		names = append(names, p.Variable)
		if !strings.Contains(err.Error(), p.Variable+": "+p.Message) {
			t.Errorf("%q does not have the line of %s", err, p.Variable)
		}
	}
	return names
}

func TestDefaults(t *testing.T) {
	c := load(t, "PATH=/bin", "LATCHKEY_GOOGLE_ISSUER=") // empty is unset
	if c.DatabaseURL != "sqlite://latchkey.db" || c.Engine() != "sqlite" || c.PublicURL.String() != "http://localhost:8080" {
		t.Errorf("database %s, public URL %s", c.DatabaseURL, c.PublicURL.String())
	}
	if c.Listen != "127.0.0.1:8080" || c.MetricsListen != "127.0.0.1:9090" || c.MetricsListenSet {
		t.Errorf("listens on %s and %s, set %t", c.Listen, c.MetricsListen, c.MetricsListenSet)
	}
	if google, github := c.Provider("google"), c.Provider("github"); google.Enabled() || github.Enabled() ||
		google.URLs["ISSUER"] != "https://accounts.google.com" || github.URLs["URL"] != "https://github.com" || github.URLs["API_URL"] != "https://api.github.com" {
		t.Errorf("providers: %+v, %+v", google, github)
	}
	if !slices.Equal(c.SIWEChains, []uint64{1}) || c.Linking != config.LinkingAuto || len(c.EthereumRPC) != 0 {
		t.Errorf("chains %v, linking %s, RPC %v", c.SIWEChains, c.Linking, c.EthereumRPC)
	}
	if c.DrainDelay != config.Delay(5*time.Second) {
		t.Errorf("drain delay %v", c.DrainDelay)
	}
	if c.SessionIdle != 168*time.Hour || c.SessionLifetime != 720*time.Hour || c.ShutdownTimeout != 10*time.Second {
		t.Errorf("durations %s, %s, %s", c.SessionIdle, c.SessionLifetime, c.ShutdownTimeout)
	}
	if c.LogLevel.Level() != slog.LevelInfo || c.LogFormat != config.LogJSON || c.Dev {
		t.Errorf("log %v as %s, dev %t", c.LogLevel, c.LogFormat, c.Dev)
	}
}

func TestEverythingSet(t *testing.T) {
	c := load(t,
		"LATCHKEY_DATABASE_URL=postgres://u:p%40ss@db:5432/latchkey?sslmode=require",
		"LATCHKEY_PUBLIC_URL=https://ID.example.com:443/",
		"LATCHKEY_LISTEN=:8443", "LATCHKEY_METRICS_LISTEN=off",
		"LATCHKEY_ALLOWED_ORIGINS=https://App.example.com, http://localhost:3000",
		"LATCHKEY_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.7,2001:db8::/32,::ffff:192.0.2.8",
		"LATCHKEY_GOOGLE_CLIENT_ID=g", "LATCHKEY_GOOGLE_CLIENT_SECRET=gs", "LATCHKEY_GOOGLE_ISSUER=http://127.0.0.1:9000/op/",
		"LATCHKEY_GITHUB_CLIENT_ID=h", "LATCHKEY_GITHUB_CLIENT_SECRET=hs",
		"LATCHKEY_GITHUB_URL=https://ghe.example.com", "LATCHKEY_GITHUB_API_URL=https://ghe.example.com/api/v3",
		"LATCHKEY_SIWE_CHAINS=1, 8453", "LATCHKEY_SIWE_STATEMENT=Sign in to Example.",
		"LATCHKEY_ETHEREUM_RPC=1=https://a.example/v2/key?x=y,8453=https://c.example,1=http://b.example:8545",
		"LATCHKEY_LINKING=confirm", "LATCHKEY_SESSION_IDLE=1h", "LATCHKEY_SESSION_LIFETIME=1h", "LATCHKEY_SESSION_LEASE=10s",
		"LATCHKEY_LOG_LEVEL=warn", "LATCHKEY_LOG_FORMAT=text", "LATCHKEY_SHUTDOWN_TIMEOUT=1s500ms",
		"LATCHKEY_SMTP_URL=smtps://u:p@mail.example.com:465", "LATCHKEY_MAIL_FROM=Keys <id@example.com>", "LATCHKEY_REDIS_URL=redis://cache:6379/1",
	)
	if c.Engine() != "postgres" || c.PublicURL.String() != "https://id.example.com" || c.MetricsListen != "" || !c.MetricsListenSet {
		t.Errorf("%s, %s, metrics %q", c.Engine(), c.PublicURL.String(), c.MetricsListen)
	}
	if want := (config.Origins{"https://app.example.com", "http://localhost:3000"}); !slices.Equal(c.AllowedOrigins, want) {
		t.Errorf("origins %v, want %v", c.AllowedOrigins, want)
	}
	var proxies []netip.Prefix
	for _, p := range []string{"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "192.0.2.8/32"} {
		proxies = append(proxies, netip.MustParsePrefix(p))
	}
	if !slices.Equal(c.TrustedProxies, proxies) {
		t.Errorf("proxies %v, want %v", c.TrustedProxies, proxies)
	}
	// An issuer is compared as a string: not even its last slash may change.
	google := c.Provider("google")
	if !google.Enabled() || google.URLs["ISSUER"] != "http://127.0.0.1:9000/op/" || google.ClientSecret.Reveal() != "gs" || !c.Provider("github").Enabled() {
		t.Errorf("Google %+v, GitHub %t", google, c.Provider("github").Enabled())
	}
	rpcs := config.RPCs{1: {"https://a.example/v2/key?x=y", "http://b.example:8545"}, 8453: {"https://c.example"}}
	if !reflect.DeepEqual(c.EthereumRPC, rpcs) {
		t.Errorf("RPC %#v", map[uint64][]string(c.EthereumRPC))
	}
	if c.LogLevel.Level() != slog.LevelWarn || c.ShutdownTimeout != 1500*time.Millisecond || c.Linking != config.LinkingConfirm {
		t.Errorf("level %v, timeout %s, linking %s", c.LogLevel, c.ShutdownTimeout, c.Linking)
	}
}

func TestDev(t *testing.T) {
	a, err := config.Load([]string{"LATCHKEY_PUBLIC_URL=http://[::1]:8080"}, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := config.Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Secret.Reveal()) < config.MinSecretLength || a.Secret == b.Secret {
		t.Error("development secrets must be random and long")
	}
	if !a.Dev || a.LogFormat != config.LogText {
		t.Errorf("dev %t, log format %s", a.Dev, a.LogFormat)
	}
	c, err := config.Load([]string{secret, "LATCHKEY_LOG_FORMAT=json", "LATCHKEY_DATABASE_URL=postgres://localhost/x"}, true)
	if err != nil || c.LogFormat != config.LogJSON || "LATCHKEY_SECRET="+c.Secret.Reveal() != secret {
		t.Errorf("what is set holds in development too: %v, %v", c, err)
	}
	for _, public := range []string{"https://id.example.com", "https://localhost.example.com", "https://127.0.0.1.nip.io", "https://10.0.0.1"} {
		_, err := config.Load([]string{"LATCHKEY_PUBLIC_URL=" + public}, true)
		if names := reported(t, err); !slices.Equal(names, []string{"LATCHKEY_PUBLIC_URL"}) {
			t.Errorf("%s: reported %v", public, names)
		}
	}
	if _, err := config.Load([]string{"LATCHKEY_SECRET=short"}, true); err == nil {
		t.Error("a short secret is refused in development too")
	}
}

func TestLoadWithoutSecret(t *testing.T) {
	if _, err := config.LoadWithoutSecret(nil); err != nil {
		t.Error(err)
	}
	if _, err := config.LoadWithoutSecret([]string{"LATCHKEY_SECRET=short"}); err == nil {
		t.Error("a secret that is given is checked")
	}
}
