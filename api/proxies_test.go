package api_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// startProxy runs nginx or Caddy with a configuration: of nginx what is in its http block,
// of Caddy all but the global options. It is skipped where the program is missing.
func startProxy(t *testing.T, name, text string) {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/" + name) // where Debian has it, and not everyone looks
	}
	if err != nil {
		testkit.Missing(t, fmt.Sprintf("%s is not installed (Debian: apt-get install %s)", name, name))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "configuration")
	var cmd *exec.Cmd
	switch name {
	case "nginx":
		var temporary strings.Builder
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			fmt.Fprintf(&temporary, "%s_temp_path %s/%s;\n", kind, dir, kind)
		}
		text = fmt.Sprintf("daemon off; master_process off; pid %s/pid; error_log stderr; events {}\nhttp {\naccess_log off;\n%s%s\n}\n", dir, &temporary, text)
		cmd = exec.CommandContext(t.Context(), program, "-c", file, "-p", dir)
	case "caddy":
		text = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n" + text
		cmd = exec.CommandContext(t.Context(), program, "run", "--adapter", "caddyfile", "--config", file)
		cmd.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said: %s", name, &said)
		}
	})
}

// The files of docs/proxies.md, as they are but for names, ports and certificates, in the
// proxies themselves.
func TestReverseProxies(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"nginx", "caddy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secure, plain := testkit.FreePort(t), testkit.FreePort(t)
			a := apptest.SQLite(t, trustPeers, "LATCHKEY_PUBLIC_URL=https://localhost:"+secure)
			certificate, key, roots := certificateFor(t, "localhost")
			if name == "nginx" {
				startProxy(t, name, replaced(t, deployed(t, "nginx.conf"), "127.0.0.1:8080", a.Addr, "auth.example.com;", "localhost;",
					"listen 443 ssl", "listen 127.0.0.1:"+secure+" ssl", "listen 80;", "listen 127.0.0.1:"+plain+";",
					"/etc/ssl/auth.example.com.pem", certificate, "/etc/ssl/auth.example.com.key", key))
			} else {
				startProxy(t, name, replaced(t, deployed(t, "Caddyfile"), "127.0.0.1:8080", a.Addr, "http://auth.example.com {", "http://localhost:"+plain+" {",
					"auth.example.com {", "https://localhost:"+secure+" {\n\ttls "+certificate+" "+key))
			}
			b := a.Browser().With("Origin", a.URL).With("X-Forwarded-For", "203.0.113.7")
			b.Client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
			t.Cleanup(b.Client.CloseIdleConnections)
			if !apptest.Eventually(func() bool {
				res, err := b.Client.Get(a.URL + "/healthz")
				if err != nil {
					return false
				}
				_ = res.Body.Close()
				return res.StatusCode == http.StatusOK
			}) {
				t.Fatal("the proxy does not answer")
			}

			b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
			if ip := b.GET("/v1/me/sessions").Want(http.StatusOK).String("data.0.ip"); ip != "127.0.0.1" && ip != "::1" {
				t.Errorf("the address of the client is %s", ip)
			}
			if b.Cookie("__Host-latchkey") == "" {
				t.Error("the browser has no session")
			}
			team := b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
			stream := watch(t, b, "/v1/teams/"+team)
			stream.hears(t, "the start")
			stream.quiet(t)
			b.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
			stream.hears(t, "a team session")

			for path, want := range map[string]int{"/v1/session": http.StatusForbidden, "/oauth2/token": http.StatusForbidden, "/sign-in": http.StatusPermanentRedirect} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:"+plain+path, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				res, err := b.Client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != want || want == http.StatusPermanentRedirect && res.Header.Get("Location") != "https://localhost"+path {
					t.Errorf("http %s: %d, to %s", path, res.StatusCode, res.Header.Get("Location"))
				}
			}
		})
	}
}

// deployed returns a file that docs/proxies.md shows.
func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", "proxy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// certificateFor makes a certificate that signs itself, and returns the files of it and of
// its key.
func certificateFor(t *testing.T, host string) (certificate, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key, roots
}
