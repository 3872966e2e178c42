package email

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/latchkey/latchkey/identity"
)

const (
	// KnownFor is how long a browser stays known to an address after it was last
	// signed in there.
	KnownFor = 180 * 24 * time.Hour
	// maxKnown is to how many addresses one browser is known: the last ones.
	maxKnown = 8

	browserIDSize = 16
	dayDigits     = 2
	tagSize       = 16
	entrySize     = dayDigits + tagSize
)

// KnownBrowser is what a browser carries to show that it has signed in to accounts
// of some addresses before. It opens nothing: it only gives the browser a share of
// mail and of guesses that strangers cannot use up. It names no address: each
// entry is a MAC over the browser's id, a day and an address, so that a client that asks
// about an address learns nothing that it did not prove itself, and no
// account is looked up to answer.
type KnownBrowser struct {
	keys    identity.Keys
	id      []byte
	entries [][]byte // day and tag, the newest first
}

// KnownBrowser reads what KnownBrowser.String wrote. Anything else is an
// unknown browser.
func (s *Service) KnownBrowser(value string) KnownBrowser {
	k := KnownBrowser{keys: s.knownKeys}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	n := len(raw) - browserIDSize
	if err != nil || n < entrySize || n%entrySize != 0 || n/entrySize > maxKnown {
		return k
	}
	k.id = raw[:browserIDSize]
	for rest := raw[browserIDSize:]; len(rest) > 0; rest = rest[entrySize:] {
		k.entries = append(k.entries, rest[:entrySize:entrySize])
	}
	return k
}

// Empty reports whether the browser claims to be known to no address at all.
func (k KnownBrowser) Empty() bool { return len(k.entries) == 0 }

// To reports whether the browser has signed in to an account of the address, in
// canonical form, within KnownFor.
func (k KnownBrowser) To(address string, now time.Time) bool {
	found := false
	for _, e := range k.entries {
		day := e[:dayDigits]
		age := int(dayOf(now)) - int(binary.BigEndian.Uint16(day))
		if k.made(e, address) && age <= int(KnownFor/(24*time.Hour)) {
			found = true // the others are compared too: it takes as long
		}
	}
	return found
}

// With returns the browser as known to further addresses from now on. The oldest
// are forgotten past maxKnown.
func (k KnownBrowser) With(now time.Time, addresses ...string) KnownBrowser {
	out := KnownBrowser{keys: k.keys, id: k.id}
	if out.id == nil {
		out.id = make([]byte, browserIDSize)
		_, _ = rand.Read(out.id) // never fails
	}
	day := binary.BigEndian.AppendUint16(nil, dayOf(now))
	for _, a := range addresses {
		if entry := append(bytes.Clone(day), out.tag(k.keys.Primary(), day, a)...); !out.has(entry) {
			out.entries = append(out.entries, entry)
		}
	}
	for _, e := range k.entries {
		if len(out.entries) == maxKnown {
			break
		}
		replaced := false
		for _, a := range addresses {
			replaced = replaced || out.made(e, a)
		}
		if !replaced {
			out.entries = append(out.entries, e)
		}
	}
	return out
}

func (k KnownBrowser) has(entry []byte) bool {
	for _, e := range k.entries {
		if bytes.Equal(e, entry) {
			return true
		}
	}
	return false
}

// String is what the browser keeps.
func (k KnownBrowser) String() string {
	return base64.RawURLEncoding.EncodeToString(append(bytes.Clone(k.id), bytes.Join(k.entries, nil)...))
}

// made reports whether an entry is about an address.
func (k KnownBrowser) made(entry []byte, address string) bool {
	return k.keys.Verifying(entry[dayDigits:], func(key []byte) []byte { return k.tag(key, entry[:dayDigits], address) }) != nil
}

func (k KnownBrowser) tag(key, day []byte, address string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(k.id)
	h.Write(day)
	h.Write([]byte(address))
	return h.Sum(nil)[:tagSize]
}

// dayOf counts days from 1970; 16 bits last until 2149.
func dayOf(t time.Time) uint16 { return uint16(t.Unix() / int64(24*time.Hour/time.Second)) } //nolint:gosec // see above
