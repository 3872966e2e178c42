package geoip_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/latchkey/latchkey/internal/geoip"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestPlace(t *testing.T) {
	t.Parallel()
	f, err := geoip.Open(apptest.GeoIPFile(t, "GeoLite2-City", map[string]mmdbtype.Map{
		"198.18.0.0/24": apptest.GeoIPPlace("Berlin", "DE"),
		"2a00::/16":     apptest.GeoIPPlace("", "FR"),
		"198.18.1.0/24": apptest.GeoIPPlace("\u202eEvil\ncity"+strings.Repeat("x", 200), ""),
		"198.18.2.0/24": {"city": mmdbtype.String("no map")},
	}))
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]string{
		"198.18.0.7": "Berlin, DE", "::ffff:198.18.0.7": "Berlin, DE", "2a00:1::1": "FR", "198.18.9.1": "", "::1": "", "": "", "no": "", "198.18.2.1": "",
		"198.18.1.1": "Evil city" + strings.Repeat("x", 91),
	} {
		if got := f.Place(ip); got != want {
			t.Errorf("%q is in %q, want %q", ip, got, want)
		}
	}
}

func TestWhatIsNoFileOfPlaces(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text.mmdb")
	if err := os.WriteFile(text, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, filepath.Join(t.TempDir(), "none"), apptest.GeoIPFile(t, "GeoLite2-ASN", nil)} {
		if _, err := geoip.Open(path); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
}

// A file that is cut short in place ends nothing, and one that is replaced or
// written again is read again.
func TestFollow(t *testing.T) {
	t.Parallel()
	content := func(city string) []byte {
		t.Helper()
		b, err := os.ReadFile(apptest.GeoIPFile(t, "GeoLite2-City", map[string]mmdbtype.Map{"198.18.0.0/24": apptest.GeoIPPlace(city, "DE")}))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	path := filepath.Join(t.TempDir(), "places.mmdb")
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(content("Berlin"))
	f, err := geoip.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 9)
	go f.Follow(t.Context(), time.Millisecond, func(err error) { failed <- err })
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil || f.Place("198.18.0.7") != "Berlin, DE" {
		t.Errorf("cut short: %v, %q", err, f.Place("198.18.0.7"))
	}
	write(content("Hamburg"))
	for deadline := time.Now().Add(20 * time.Second); f.Place("198.18.0.7") != "Hamburg, DE"; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("written again: %q", f.Place("198.18.0.7"))
		}
	}
}
