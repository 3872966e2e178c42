// Package geoip tells about where an address is, from a MaxMind DB file of the
// layout of GeoIP2 or GeoLite2 City, or Country
// (https://maxmind.github.io/MaxMind-DB/).
package geoip

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/latchkey/latchkey/identity"
)

// maxPlace bounds a name from the file, in characters.
const maxPlace = 100

// File is an open file. It is mapped into memory: replace it by another (mv),
// never in place, and restart.
type File struct{ reader *maxminddb.Reader }

// Open opens a file, and refuses one that is not of cities or countries.
func Open(path string) (*File, error) {
	r, err := maxminddb.Open(path)
	if err != nil {
		return nil, err
	}
	if t := r.Metadata.DatabaseType; !strings.Contains(t, "City") && !strings.Contains(t, "Country") {
		return nil, errors.Join(errors.New("the file is of "+t+", not of cities or countries"), r.Close())
	}
	return &File{r}, nil
}

// Close unmaps the file; Place must not be called after it.
func (f *File) Close() error { return f.reader.Close() }

// Place is such as "Berlin, DE", "DE", or "" for what is not known or no address.
func (f *File) Place(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	var record struct {
		City struct {
			Names struct {
				English string `maxminddb:"en"`
			} `maxminddb:"names"`
		} `maxminddb:"city"`
		Country struct {
			Code string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
	}
	if err := f.reader.Lookup(a.Unmap()).Decode(&record); err != nil {
		return "" // a broken record is no reason not to show the session
	}
	words := make([]string, 0, 2)
	for _, w := range []string{record.City.Names.English, record.Country.Code} {
		if w != "" {
			words = append(words, w)
		}
	}
	return identity.OneLine(strings.Join(words, ", "), maxPlace)
}
