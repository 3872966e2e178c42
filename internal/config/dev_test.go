package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

// Development mode signs anybody in, so only this machine reaches it.
func TestDevListensOnLoopback(t *testing.T) {
	for listen, ok := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.2:8080": true, "[::1]:8080": true, "localhost:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.168.1.5:8080": false, "laptop.lan:8080": false, "localhost.evil.example:8080": false,
	} {
		_, err := config.Load([]string{"LATCHKEY_LISTEN=" + listen}, true)
		if (err == nil) != ok {
			t.Errorf("%s: %v", listen, err)
		}
		if err != nil {
			if names := reported(t, err); !slices.Equal(names, []string{"LATCHKEY_LISTEN"}) || !strings.Contains(err.Error(), "--dev-allow-remote") {
				t.Errorf("%s: %v", listen, err)
			}
		}
		if c, err := config.Load([]string{"LATCHKEY_LISTEN=" + listen}, true, config.AllowRemoteDev(true)); err != nil || !c.DevAllowRemote {
			t.Errorf("%s, allowed: %v", listen, err)
		}
		load(t, "LATCHKEY_LISTEN="+listen) // what is not development mode listens anywhere
	}
}

// A public URL that is not set is where a browser reaches the development server.
func TestDevPublicURLFollowsListen(t *testing.T) {
	for listen, want := range map[string]string{
		"":               "http://localhost:8080",
		"127.0.0.1:9000": "http://localhost:9000",
		"[::1]:9000":     "http://localhost:9000",
		"localhost:9000": "http://localhost:9000",
		"127.0.0.2:9000": "http://127.0.0.2:9000",
		":9000":          "http://localhost:9000",
		"0.0.0.0:9000":   "http://localhost:9000",
		"127.0.0.1:80":   "http://localhost",
	} {
		c, err := config.Load([]string{"LATCHKEY_LISTEN=" + listen}, true, config.AllowRemoteDev(true))
		if err != nil || c.PublicURL.String() != want {
			t.Errorf("%q: %s, %v, want %s", listen, c.PublicURL.String(), err, want)
		}
		c, err = config.Load([]string{"LATCHKEY_LISTEN=" + listen, "LATCHKEY_PUBLIC_URL=http://127.0.0.1:7000"}, true, config.AllowRemoteDev(true))
		at := c.ListeningAt("127.0.0.1:9000")
		if err != nil || c.PublicURL.String() != "http://127.0.0.1:7000" || at.PublicURL.String() != "http://127.0.0.1:7000" {
			t.Errorf("%q, set: %s, %v", listen, c.PublicURL.String(), err)
		}
		if c := load(t, "LATCHKEY_LISTEN="+listen); c.PublicURL.String() != "http://localhost:8080" {
			t.Errorf("%q without --dev: %s", listen, c.PublicURL.String())
		}
	}
	c, err := config.Load([]string{"LATCHKEY_LISTEN=127.0.0.1:0"}, true)
	if err != nil {
		t.Fatal(err)
	}
	at := c.ListeningAt("127.0.0.1:43210") // the port that the system chose
	if at.PublicURL.String() != "http://localhost:43210" {
		t.Errorf("at a port of the system: %s", at.PublicURL.String())
	}
	if c := load(t).ListeningAt("127.0.0.1:43210"); c.PublicURL.String() != "http://localhost:8080" {
		t.Errorf("without --dev: %s", c.PublicURL.String())
	}
}
