package geoip_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/latchkey/latchkey/internal/apptest"
	"github.com/latchkey/latchkey/internal/geoip"
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
	t.Cleanup(func() { _ = f.Close() })
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
		if f, err := geoip.Open(path); err == nil {
			_ = f.Close()
			t.Errorf("%s was opened", path)
		}
	}
}
