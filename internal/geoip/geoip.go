// Package geoip looks up the approximate place of an IP address in a MaxMind DB
// file with the layout of GeoIP2 or GeoLite2, City or Country
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

// File is an open file. It is mapped into memory: to update it, replace it by
// another file (mv), never in place, and restart.
type File struct{ reader *maxminddb.Reader }

// Open opens a file. It returns an error if the file is not one of cities or
// countries.
func Open(path string) (*File, error) {
	r, err := maxminddb.Open(path)
	if err != nil {
		return nil, err
	}
	if t := r.Metadata.DatabaseType; !strings.Contains(t, "City") && !strings.Contains(t, "Country") {
		return nil, errors.Join(errors.New("the file is a "+t+" database, not one of cities or countries"), r.Close())
	}
	return &File{r}, nil
}

// Close unmaps the file. Place must not be called after it.
func (f *File) Close() error { return f.reader.Close() }

// Place returns a place such as "Berlin, DE" or "DE". It returns "" if the place
// is not known or addr is not an address.
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
		return "" // show the session even if its record is broken
	}
	words := make([]string, 0, 2)
	for _, w := range []string{record.City.Names.English, record.Country.Code} {
		if w != "" {
			words = append(words, w)
		}
	}
	return identity.OneLine(strings.Join(words, ", "), maxPlace)
}
