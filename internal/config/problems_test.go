package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

// TestRefused has a wrong value for each variable, and what must be in the
// line about it.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ set, wants string }{
		{"LATCHKEY_DATABASE_URL=mysql://h/x", "postgres://"},
		{"LATCHKEY_DATABASE_URL=latchkey.db", "sqlite://"},
		{"LATCHKEY_DATABASE_URL=sqlite://", "no host or path after"},
		{"LATCHKEY_DATABASE_URL=postgres://u:p%zz@h/x", "percent-encoded"},
		{"LATCHKEY_PUBLIC_URL=http://id.example.com", "https"},
		{"LATCHKEY_PUBLIC_URL=https://id.example.com/auth", "path"},
		{"LATCHKEY_PUBLIC_URL=https://id.example.com/?", "query"},
		{"LATCHKEY_PUBLIC_URL=https://id.example.com#x", "fragment"},
		{"LATCHKEY_PUBLIC_URL=https://u:hunter2@id.example.com", "password"},
		{"LATCHKEY_PUBLIC_URL=id.example.com", "https://"},
		{"LATCHKEY_PUBLIC_URL=ftp://id.example.com", "https://"},
		{"LATCHKEY_PUBLIC_URL=https://id.example.com.", "host"},
		{"LATCHKEY_PUBLIC_URL=https://bücher.example", "ASCII"},
		{"LATCHKEY_PUBLIC_URL=https://id.example.com:0", "port"},
		{"LATCHKEY_PUBLIC_URL=https://id.example.com:", "port"},
		{"LATCHKEY_PUBLIC_URL=https://", "host"},
		{"LATCHKEY_LISTEN=8080", "HOST:PORT"},
		{"LATCHKEY_LISTEN=127.0.0.1:http", "HOST:PORT"},
		{"LATCHKEY_LISTEN=127.0.0.1:65536", "HOST:PORT"},
		{"LATCHKEY_LISTEN=http://127.0.0.1:8080", "HOST:PORT"},
		{"LATCHKEY_LISTEN=a b:8080", "host"},
		{"LATCHKEY_METRICS_LISTEN=no", "HOST:PORT"},
		{"LATCHKEY_METRICS_LISTEN=127.0.0.1:8080", "LATCHKEY_LISTEN"},
		{"LATCHKEY_DEBUG_LISTEN=no", "HOST:PORT"},
		{"LATCHKEY_DEBUG_LISTEN=127.0.0.1:8080", "LATCHKEY_LISTEN"},
		{"LATCHKEY_DEBUG_LISTEN=:6060", "loopback"},
		{"LATCHKEY_DEBUG_LISTEN=192.0.2.7:6060", "loopback"},
		{"LATCHKEY_SECRET=0123456789abcdefghijklmnopqrstu", "31 characters"},
		{"LATCHKEY_SECRET=", "openssl rand"},
		{"LATCHKEY_ALLOWED_ORIGINS=*", "https://"},
		{"LATCHKEY_ALLOWED_ORIGINS=null", "https://"},
		{"LATCHKEY_ALLOWED_ORIGINS=https://a.example,", "empty element"},
		{"LATCHKEY_ALLOWED_ORIGINS=https://a.example/x", "path"},
		{"LATCHKEY_ALLOWED_ORIGINS=https://a.example,https://A.example:443", "twice"},
		{"LATCHKEY_ALLOWED_ORIGINS=https://*.example", "host"},
		{"LATCHKEY_TRUSTED_PROXIES=10.0.0.1/8", "10.0.0.0/8"},
		{"LATCHKEY_TRUSTED_PROXIES=proxy", "192.0.2.7"},
		{"LATCHKEY_TRUSTED_PROXIES=10.0.0.0/33", "10.0.0.0/33"},
		{"LATCHKEY_TRUSTED_PROXIES=::ffff:10.0.0.0/104", "IPv4"},
		{"LATCHKEY_TRUSTED_PROXIES=fe80::1%eth0", "address"},
		{"LATCHKEY_CLIENTS=web", "CLIENT_ID=AUDIENCE"},
		{"LATCHKEY_CLIENTS=we b=https://api.example.com", "CLIENT_ID=AUDIENCE"},
		{"LATCHKEY_CLIENTS=web=api.example.com", "absolute URI"},
		{"LATCHKEY_CLIENTS=web=https://api.example.com#x", "absolute URI"},
		{"LATCHKEY_CLIENTS=web=https://a.example,web=https://b.example", "twice"},
		{"LATCHKEY_CLIENTS=web=https://a.example,", "empty element"},
		{"LATCHKEY_TOKEN_ALG=RS256", "EdDSA"},
		{"LATCHKEY_BRAND_NAME= ", "one line"},
		{"LATCHKEY_BRAND_NAME=two\nlines", "one line"},
		{"LATCHKEY_BRAND_NAME=" + strings.Repeat("a", 61), "60"},
		{"LATCHKEY_BRAND_LOGO_URL=http://example.com/logo.png", "https"},
		{"LATCHKEY_BRAND_LOGO_URL=javascript:alert(1)", "https"},
		{"LATCHKEY_BRAND_COLOR=red", "#0b7285"},
		{"LATCHKEY_BRAND_COLOR=#fff", "#0b7285"},
		{"LATCHKEY_BRAND_COLOR=#12345g", "#0b7285"},
		{"LATCHKEY_WALLETCONNECT_PROJECT_ID=mine", "32"},
		{"LATCHKEY_COOKIE_DOMAIN=example.com", "https"},
		{"LATCHKEY_COOKIE_DOMAIN=.example.com & LATCHKEY_PUBLIC_URL=https://id.example.com", "without a dot"},
		{"LATCHKEY_COOKIE_DOMAIN=Example.com & LATCHKEY_PUBLIC_URL=https://id.example.com", "lower case"},
		{"LATCHKEY_COOKIE_DOMAIN=com & LATCHKEY_PUBLIC_URL=https://id.example.com", "anyone"},
		{"LATCHKEY_COOKIE_DOMAIN=co.uk & LATCHKEY_PUBLIC_URL=https://example.co.uk", "anyone"},
		{"LATCHKEY_COOKIE_DOMAIN=github.io & LATCHKEY_PUBLIC_URL=https://latchkey.github.io", "anyone"},
		{"LATCHKEY_COOKIE_DOMAIN=ample.com & LATCHKEY_PUBLIC_URL=https://id.example.com", "parent"},
		{"LATCHKEY_COOKIE_DOMAIN=x.id.example.com & LATCHKEY_PUBLIC_URL=https://id.example.com", "parent"},
		{"LATCHKEY_COOKIE_DOMAIN=192.0.2.1 & LATCHKEY_PUBLIC_URL=https://192.0.2.1", "DNS name"},
		{"LATCHKEY_COOKIE_DOMAIN=2.1 & LATCHKEY_PUBLIC_URL=https://192.0.2.1", "DNS name"},
		{"LATCHKEY_RATE_LIMITS=0", "off"},
		{"LATCHKEY_RATE_LIMITS=on", "a number"},
		{"LATCHKEY_RATE_LIMITS=-1", "0.01 to 1000000"},
		{"LATCHKEY_RATE_LIMITS=NaN", "a number"},
		{"LATCHKEY_RATE_LIMITS=1e7", "1000000"},
		{"LATCHKEY_RATE_LIMIT_EXEMPT=10.0.0.1/8", "10.0.0.0/8"},
		{"LATCHKEY_SIWE_CHALLENGE_MINUTES=0", "1 to 1440 minutes"},
		{"LATCHKEY_SIWE_CHALLENGE_MINUTES=1441", "1 to 1440 minutes"},
		{"LATCHKEY_SOLANA_NETWORKS=mainnet-beta", "mainnet, devnet, testnet"},
		{"LATCHKEY_SOLANA_NETWORKS=devnet,mainnet,devnet", "twice"},
		{"LATCHKEY_SOLANA_NETWORKS=mainnet,", "no network"},
		{"LATCHKEY_SOLANA_ALLOWED_EMAIL_DOMAINS=acme.com", "have no address"},
		{"LATCHKEY_SIWE_CHAINS=0", "chain id"},
		{"LATCHKEY_SIWE_CHAINS=01", "chain id"},
		{"LATCHKEY_SIWE_CHAINS=-1", "chain id"},
		{"LATCHKEY_SIWE_CHAINS=0x1", "chain id"},
		{"LATCHKEY_SIWE_CHAINS=9223372036854775808", "chain id"},
		{"LATCHKEY_SIWE_CHAINS=1,8453,1", "twice"},
		{"LATCHKEY_SIWE_STATEMENT=a\nURI: https://evil.example", "one line"},
		{"LATCHKEY_SIWE_STATEMENT=a\u202eb", "printable"},
		{"LATCHKEY_SIWE_STATEMENT=a\xffb", "printable"},
		{"LATCHKEY_SIWE_STATEMENT=  ", "siwe-go"},
		{"LATCHKEY_SIWE_STATEMENT=" + strings.Repeat("a", 8<<10), "8 KiB"},
		{"LATCHKEY_SIWE_RESOURCES=HTTPS://a.example/terms", "canonical"},
		{"LATCHKEY_SIWE_RESOURCES=https://a.example/" + strings.Repeat("a", 4<<10) + ",https://b.example/" + strings.Repeat("b", 4<<10), "8 KiB"},
		{"LATCHKEY_ETHEREUM_RPC=https://a.example/hunter2", "CHAIN=URL"},
		{"LATCHKEY_ETHEREUM_RPC=1=wss://a.example/hunter2", "https://"},
		{"LATCHKEY_ETHEREUM_RPC=1=hunter2", "https://"},
		{"LATCHKEY_ETHEREUM_RPC=10=https://a.example/hunter2", "LATCHKEY_SIWE_CHAINS"},
		{"LATCHKEY_ETHEREUM_RPC=1=https://a.example/hunter2,1=https://a.example/hunter2", "repeats"},
		{"LATCHKEY_LINKING=yes", "auto confirm off"},
		{"LATCHKEY_SESSION_IDLE=7d", "168h"},
		{"LATCHKEY_SESSION_IDLE=0s", "above zero"},
		{"LATCHKEY_SESSION_LEASE=99ms", "100ms to 10s"},
		{"LATCHKEY_SESSION_LEASE=11s", "100ms to 10s"},
		{"LATCHKEY_SESSION_IDLE=721h", "LATCHKEY_SESSION_LIFETIME"},
		{"LATCHKEY_SESSION_LIFETIME=-1h", "above zero"},
		{"LATCHKEY_SHUTDOWN_TIMEOUT=10", "unit"},
		{"LATCHKEY_LOG_LEVEL=info+3", "debug, info"},
		{"LATCHKEY_LOG_FORMAT=xml", "json text"},
		{"LATCHKEY_SMTP_URL=mail.example:25", "smtp://"},
		{"LATCHKEY_SMTP_URL=smtp://", "no host or path after"},
		{"LATCHKEY_REDIS_URL=http://h", "redis://"},
		{"LATCHKEY_REDIS_URL=redis:///0", "host"},
		{"LATCHKEY_REDIS_URL=redis://h/hunter2", "DATABASE"},
		{"LATCHKEY_REDIS_URL=redis://u:hunter2@h?pool=x", "DATABASE"},
	} {
		name, _, _ := strings.Cut(tt.set, "=")
		set := append([]string{secret}, strings.Split(tt.set, " & ")...)
		_, err := config.Load(set, false)
		if err == nil {
			t.Errorf("%q is taken", tt.set)
			continue
		}
		if names := reported(t, err); !slices.Equal(names, []string{name}) {
			t.Errorf("%q: reported %v", tt.set, names)
		}
		if !strings.Contains(err.Error(), tt.wants) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want something about %q", tt.set, err, tt.wants)
		}
	}
}

func TestHalfSet(t *testing.T) {
	const id, key = "LATCHKEY_GOOGLE_CLIENT_ID=a", "LATCHKEY_GOOGLE_CLIENT_SECRET=hunter2"
	for _, tt := range []struct {
		set   []string
		wants []string
	}{
		{[]string{id}, []string{"LATCHKEY_GOOGLE_CLIENT_SECRET"}},
		{[]string{key}, []string{"LATCHKEY_GOOGLE_CLIENT_ID"}},
		{[]string{"LATCHKEY_GOOGLE_ISSUER=https://op.example"}, []string{"LATCHKEY_GOOGLE_CLIENT_ID"}},
		{[]string{"LATCHKEY_GITHUB_CLIENT_ID=a"}, []string{"LATCHKEY_GITHUB_CLIENT_SECRET"}},
		{[]string{"LATCHKEY_GITHUB_CLIENT_SECRET=hunter2"}, []string{"LATCHKEY_GITHUB_CLIENT_ID"}},
		{
			[]string{"LATCHKEY_GITHUB_CLIENT_ID=a", "LATCHKEY_GITHUB_CLIENT_SECRET=b", "LATCHKEY_GITHUB_URL=https://ghe.example"},
			[]string{"LATCHKEY_GITHUB_API_URL"},
		},
		{
			[]string{"LATCHKEY_GITHUB_API_URL=https://ghe.example/api/v3"},
			[]string{"LATCHKEY_GITHUB_CLIENT_ID", "LATCHKEY_GITHUB_URL"},
		},
	} {
		_, err := config.Load(append(tt.set, secret), false)
		if err == nil {
			t.Errorf("%v is taken", tt.set)
			continue
		}
		if names := reported(t, err); !slices.Equal(names, tt.wants) {
			t.Errorf("%v: reported %v, want %v", tt.set, names, tt.wants)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := config.Load([]string{"LATCHKEY_LINKING=maybe", "LATCHKEY_LISTEN=x", "LATCHKEY_LOG_LEVEL=loud"}, false)
	want := []string{"LATCHKEY_LINKING", "LATCHKEY_LISTEN", "LATCHKEY_LOG_LEVEL", "LATCHKEY_SECRET"}
	if names := reported(t, err); !slices.Equal(names, want) {
		t.Errorf("reported %v, want %v", names, want)
	}
}

func TestUnknownVariables(t *testing.T) {
	for name, wants := range map[string]string{
		"LATCHKEY_SESION_IDLE":              "did you mean LATCHKEY_SESSION_IDLE?",
		"LATCHKEY_DATABASE":                 "did you mean LATCHKEY_DATABASE_URL?",
		"LATCHKEY_GOOGLE_SECRET":            "did you mean LATCHKEY_GOOGLE_CLIENT_SECRET?",
		"LATCHKEY_GITHUB_CLIENT_SECRT_FILE": "did you mean LATCHKEY_GITHUB_CLIENT_SECRET_FILE?",
		"LATCHKEY_PORT":                     "is not a variable",
		"LATCHKEY_COMPLETELY_ELSE":          "configuration.md",
	} {
		warnings := strings.Join(load(t, name+"=hunter2").Warnings(), "\n")
		if !strings.Contains(warnings, name+" is not a variable") || !strings.Contains(warnings, wants) || strings.Contains(warnings, "hunter2") {
			t.Errorf("%s: %s, want %q", name, warnings, wants)
		}
	}
	// What Kubernetes sets for services of our name, and what our tests read.
	quiet := load(t, "LATCHKEY_SERVICE_HOST=10.0.0.1", "LATCHKEY_SERVICE_PORT=80", "LATCHKEY_SERVICE_PORT_HTTP=80", "LATCHKEY_PORT=tcp://10.0.0.1:80",
		"LATCHKEY_PORT_80_TCP=tcp://10.0.0.1:80", "LATCHKEY_PORT_80_TCP_ADDR=10.0.0.1", "LATCHKEY_POSTGRES_SERVICE_HOST=10.0.0.2",
		"LATCHKEY_TEST_DATABASE_URL=postgres://x", "LATCHKEYS=1", "latchkey_secret=1")
	if warnings := quiet.Warnings(); len(warnings) > 0 {
		t.Errorf("warns of %v", warnings)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	value := strings.TrimPrefix(secret, "LATCHKEY_SECRET=")
	for _, ending := range []string{"", "\n", "\r\n"} {
		c, err := config.Load([]string{"LATCHKEY_SECRET=", "LATCHKEY_SECRET_FILE=" + write("secret", value+ending)}, false)
		if err != nil || c.Secret.Reveal() != value {
			t.Errorf("ending %q: %v", ending, err)
		}
	}
	// Every variable can be given so, and is checked alike, but for the one that is only
	// there at times.
	for _, v := range config.Describe() {
		if v.Name == "LATCHKEY_SECRET_PREVIOUS" {
			if c, err := config.Load([]string{secret, v.Name + "_FILE=" + write("empty", "\n")}, false); err != nil || c.SecretPrevious != "" {
				t.Errorf("%s_FILE: %v", v.Name, err)
			}
			continue
		}
		v.Name = strings.Replace(v.Name, "<NAME>", "SSO", 1)
		_, err := config.Load([]string{secret, v.Name + "_FILE=" + write("empty", "\n")}, false)
		if err == nil || !strings.Contains(err.Error(), v.Name) {
			t.Errorf("%s_FILE: error is %v", v.Name, err)
		}
	}
	for content, wants := range map[string]string{
		"too short":              "9 characters",
		value + "\nhunter2":      "more than one line",
		strings.Repeat("x", 1e5): "larger",
	} {
		_, err := config.Load([]string{"LATCHKEY_SECRET_FILE=" + write("bad", content)}, false)
		if err == nil || !strings.Contains(err.Error(), wants) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.40q: %v, want %q", content, err, wants)
		}
	}
	for _, path := range []string{filepath.Join(dir, "absent"), dir} {
		_, err := config.Load([]string{"LATCHKEY_SECRET_FILE=" + path}, false)
		if names := reported(t, err); !slices.Equal(names, []string{"LATCHKEY_SECRET_FILE"}) {
			t.Errorf("%s: reported %v", path, names)
		}
	}
	_, err := config.Load([]string{secret, "LATCHKEY_SECRET_FILE=" + write("secret", value)}, false)
	if err == nil || !strings.Contains(err.Error(), "LATCHKEY_SECRET: is set, and LATCHKEY_SECRET_FILE too") {
		t.Errorf("both set: %v", err)
	}
}
