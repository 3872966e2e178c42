package api

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestClientAddr(t *testing.T) {
	t.Parallel()
	var trusted []netip.Prefix
	for _, p := range []string{"10.0.0.0/8", "192.0.2.7/32", "2001:db8:aaaa::/48", "fe80::/10"} {
		trusted = append(trusted, netip.MustParsePrefix(p))
	}
	for _, c := range []struct {
		what, peer string
		forwarded  []string
		want       string
	}{
		{"no header", "10.0.0.1:4000", nil, "10.0.0.1"},
		{"an untrusted peer is not believed", "198.51.100.1:4000", []string{"203.0.113.9"}, "198.51.100.1"},
		{"one proxy", "10.0.0.1:4000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"what the client wrote stays left", "10.0.0.1:4000", []string{"127.0.0.1, 10.9.9.9, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.1:4000", []string{"127.0.0.1, 203.0.113.9, 192.0.2.7"}, "203.0.113.9"},
		{"a line for each proxy", "10.0.0.1:4000", []string{"198.51.100.1", "203.0.113.9", "192.0.2.7"}, "203.0.113.9"},
		{"a proxy that is not ours", "10.0.0.1:4000", []string{"203.0.113.9, 192.0.2.8"}, "192.0.2.8"},
		{"a client behind the proxies", "10.0.0.1:4000", []string{"10.1.1.1, 10.0.0.2"}, "10.1.1.1"},
		{"IPv6", "[2001:db8:aaaa::1]:4000", []string{"2001:DB8:0:0::9"}, "2001:db8::9"},
		{"IPv6 proxy before IPv4 client", "[2001:db8:aaaa::1]:4000", []string{"198.51.100.1, 203.0.113.9, 2001:db8:aaaa:1::2"}, "203.0.113.9"},
		{"ports", "10.0.0.1:4000", []string{"198.51.100.1:1, 203.0.113.9:61234, 10.0.0.2:80"}, "203.0.113.9"},
		{"IPv6 with port", "10.0.0.1:4000", []string{"[2001:db8::9]:61234"}, "2001:db8::9"},
		{"IPv6 in brackets", "10.0.0.1:4000", []string{"[2001:db8::9]"}, "2001:db8::9"},
		{"IPv4-mapped client", "10.0.0.1:4000", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"IPv4-mapped proxies", "[::ffff:10.0.0.1]:4000", []string{"203.0.113.9, ::ffff:192.0.2.7"}, "203.0.113.9"},
		{"IPv4-mapped in hexadecimal", "10.0.0.1:4000", []string{"::ffff:cb00:7109"}, "203.0.113.9"},
		{"zone", "[fe80::1%eth0]:4000", []string{"2001:db8::9"}, "2001:db8::9"},
		{"a name ends the walk", "10.0.0.1:4000", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		{"nonsense behind a proxy ends the walk there", "10.0.0.1:4000", []string{"203.0.113.9, <script>, 192.0.2.7"}, "192.0.2.7"},
		{"empty", "10.0.0.1:4000", []string{""}, "10.0.0.1"},
		{"empty entry", "10.0.0.1:4000", []string{"203.0.113.9,"}, "10.0.0.1"},
		{"half a bracket", "10.0.0.1:4000", []string{"[2001:db8::9"}, "10.0.0.1"},
		{"leading zeros", "10.0.0.1:4000", []string{"203.0.113.010"}, "10.0.0.1"},
		{"a number", "10.0.0.1:4000", []string{"3405803785"}, "10.0.0.1"},
		{"a range", "10.0.0.1:4000", []string{"203.0.113.0/24"}, "10.0.0.1"},
		{"a socket without an address", "@", []string{"203.0.113.9"}, ""},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		r.Header.Set("X-Real-Ip", "198.51.100.66")
		r.Header.Set("Forwarded", "for=198.51.100.67")
		r.Header.Set("True-Client-Ip", "198.51.100.68")
		if got := addrText(clientAddr(r, trusted)); got != c.want {
			t.Errorf("%s: %q from %s by %q, want %q", c.what, got, c.peer, strings.Join(c.forwarded, " | "), c.want)
		}
	}
	// Nothing is trusted unless it is configured.
	r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}}}
	if got := addrText(clientAddr(r, nil)); got != "127.0.0.1" {
		t.Errorf("without proxies: %s", got)
	}
}

func FuzzClientAddr(f *testing.F) {
	f.Add("203.0.113.9, [2001:db8::9]:1")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, forwarded string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {forwarded, "203.0.113.9, 10.0.0.2"}}}
		if got := addrText(clientAddr(r, trusted)); got != "203.0.113.9" {
			t.Errorf("%q left of the proxies' own entries makes it %s", forwarded, got)
		}
		r.Header["X-Forwarded-For"] = []string{forwarded}
		if got := clientAddr(r, trusted); !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q makes it %v", forwarded, got)
		}
	})
}
