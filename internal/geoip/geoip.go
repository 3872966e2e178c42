// Package geoip looks up the approximate place of an IP address in a MaxMind DB
// file with the layout of GeoIP2 or GeoLite2, City or Country
// (https://maxmind.github.io/MaxMind-DB/).
package geoip

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/latchkey/latchkey/identity"
)

// maxPlace bounds a name from the file, in characters.
const maxPlace = 100

// File is the content of a file, kept in memory: mapped, a file that is cut short
// in place would end the process.
type File struct {
	path   string
	reader atomic.Pointer[maxminddb.Reader]
	read   os.FileInfo // what reader was read from
}

// Open reads a file. It returns an error if the file is not one of cities or
// countries.
func Open(path string) (*File, error) {
	f := &File{path: path}
	if err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) load() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	f.read = info // also of what cannot be used: it is looked at once
	content, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	r, err := maxminddb.OpenBytes(content)
	if err != nil {
		return err
	}
	if t := r.Metadata.DatabaseType; !strings.Contains(t, "City") && !strings.Contains(t, "Country") {
		return errors.New("the file is a " + t + " database, not one of cities or countries")
	}
	f.reader.Store(r)
	return nil
}

// Follow reads the file again whenever it has changed, until ctx ends; it looks
// every so often. failed gets the error of a file that cannot be used; the content that was
// read before stays.
func (f *File) Follow(ctx context.Context, every time.Duration, failed func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		info, err := os.Stat(f.path)
		if err != nil || os.SameFile(info, f.read) && info.ModTime().Equal(f.read.ModTime()) && info.Size() == f.read.Size() {
			continue
		}
		if err := f.load(); err != nil {
			failed(err)
		}
	}
}

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
	if err := f.reader.Load().Lookup(a.Unmap()).Decode(&record); err != nil {
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
