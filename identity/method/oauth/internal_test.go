package oauth

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
)

func TestPublicAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"8.8.8.8": true, "142.250.74.110": true, "2a00:1450:4001:830::200e": true, "::ffff:8.8.8.8": true,

		"127.0.0.1": false, "127.8.8.8": false, "0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "172.16.0.1": false,
		"172.31.255.255": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false,
		"192.0.0.192": false, "198.18.0.1": false, "203.0.113.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "fe80::1": false,
		"fec0::1": false, "fd00:ec2::254": false, "fc00::1": false, "ff02::1": false, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false,
		"2002:7f00:1::": false, "2001:0:7f00:1::": false, "2001:db8::1": false, "3fff::1": false, "100::1": false,
	} {
		if got := publicAddress(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %v, want %v", address, got, want)
		}
	}
}

func TestClientReachesOnlyConfiguredHostsInPrivate(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	get := func(c *http.Client) error {
		res, err := c.Get(s.URL)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	if err := get(NewHTTPClient(0, u)); err != nil {
		t.Errorf("configured: %v", err)
	}
	if err := get(NewHTTPClient(0)); !errors.Is(err, errNotPublic) {
		t.Errorf("not configured: %v", err)
	}
	// Another port of a configured host is another service.
	if err := get(NewHTTPClient(0, &url.URL{Scheme: "http", Host: u.Hostname() + ":1"})); !errors.Is(err, errNotPublic) {
		t.Errorf("another port: %v", err)
	}
}

func TestBodyIsBoundedAfterDecompression(t *testing.T) {
	t.Parallel()
	for size, fits := range map[int64]bool{0: true, maxBody - 1: true, maxBody: true, maxBody + 1: false, 64 * maxBody: false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.CopyN(z, zeros{}, size)
			_ = z.Close()
		}))
		u, _ := url.Parse(s.URL)
		res, err := NewHTTPClient(0, u).Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		s.Close()
		if fits && (err != nil || n != size) || !fits && !errors.Is(err, errBodyTooLarge) {
			t.Errorf("%d bytes: read %d, %v", size, n, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRedirectsStayWithinOneOrigin(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	u, _ := url.Parse(s.URL)
	mux.Handle("/same", http.RedirectHandler("/end", http.StatusFound))
	mux.Handle("/other", http.RedirectHandler("http://localhost:"+u.Port()+"/end", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.HandleFunc("/end", func(http.ResponseWriter, *http.Request) {})
	c := NewHTTPClient(0, u)
	for path, want := range map[string]int{"/same": 200, "/other": 302, "/loop": 302} {
		res, err := c.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s ended with %d, want %d", path, res.StatusCode, want)
		}
	}
	res, err := c.PostForm(s.URL+"/same", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusFound {
		t.Errorf("a POST was redirected, to %d", res.StatusCode)
	}
}

func TestEndpointsDoNotStepDownFromHTTPS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		issuer, endpoint string
		want             bool
	}{
		{"https://idp.example", "https://other.example/token", true},
		{"https://idp.example", "http://idp.example/token", false},
		{"http://localhost:9000", "http://localhost:9000/token", true},
		{"http://localhost:9000", "https://other.example/token", true},
	} {
		u, err := url.Parse(c.issuer)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&discovery{issuer: u}).checkEndpoint(c.endpoint); (err == nil) != c.want {
			t.Errorf("%s names %s: %v", c.issuer, c.endpoint, err)
		}
	}
}
