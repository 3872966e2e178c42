package app

import (
	"fmt"
	"time"

	"github.com/latchkey/latchkey/internal/geoip"
)

// placesEvery is how often the file is looked at.
const placesEvery = 10 * time.Second

// openPlaces returns what tells where addresses are, nil without a file.
func openPlaces(parts Parts) (func(ip string) string, error) {
	path := parts.Config.GeoIPFile
	if path == "" {
		return nil, nil
	}
	f, err := geoip.Open(path)
	if err != nil {
		return nil, fmt.Errorf("LATCHKEY_GEOIP_FILE: %q: %w", path, err)
	}
	go f.Follow(parts.Context, placesEvery, func(err error) {
		parts.Log.Warn("LATCHKEY_GEOIP_FILE has changed but cannot be read; still using the previous one", "error", err)
	})
	return f.Place, nil
}
