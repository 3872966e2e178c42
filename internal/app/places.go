package app

import (
	"fmt"

	"github.com/latchkey/latchkey/internal/geoip"
)

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
	// It stays open: requests may look into it until the process ends.
	return f.Place, nil
}
