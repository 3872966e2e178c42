package config_test

import (
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

// Private hosts are those that are listed, by their port.
func TestAllowedHosts(t *testing.T) {
	t.Parallel()
	load := func(value string) (config.HostPorts, error) {
		c, err := config.Load([]string{"LATCHKEY_SECRET=a secret that is long enough for tests", "LATCHKEY_BACKCHANNEL_ALLOWED_HOSTS=" + value}, false)
		return c.BackchannelAllowedHosts, err
	}
	hosts, err := load("Grafana:3000, 10.0.0.7:8080,[fd00::1]:80")
	if err != nil {
		t.Fatal(err)
	}
	for hostport, want := range map[string][2]bool{ // in production, in development
		"grafana:3000": {true, true}, "GRAFANA:3000": {true, true}, "10.0.0.7:8080": {true, true}, "[fd00::1]:80": {true, true},
		"grafana:3001": {}, "grafana": {}, "10.0.0.8:8080": {}, "evil.example:80": {}, "": {},
		"127.0.0.1:1": {false, true}, "localhost:80": {false, true}, "[::1]:80": {false, true}, "localhost": {},
	} {
		if got := [2]bool{hosts.Allows(hostport, false), hosts.Allows(hostport, true)}; got != want {
			t.Errorf("%s: %v, want %v", hostport, got, want)
		}
	}
	for _, value := range []string{"grafana", "grafana:", "grafana:0", "grafana:65536", "grafana:http", "http://grafana:3000", "grafana:3000,", "a b:80", ":80", "*:80", "u@grafana:80"} {
		if _, err := load(value); err == nil {
			t.Errorf("%q is accepted", value)
		}
	}
}
