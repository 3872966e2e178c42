package session

import (
	"math"
	"net/netip"
	"slices"
	"unsafe"

	"github.com/latchkey/latchkey/identity"
)

const (
	// ordinaryWeight is the room, in bytes, that the limit of a cache counts for a
	// session. Of people with a name, an address and a picture and without
	// metadata it is enough.
	ordinaryWeight = 3 << 10
	// fixedWeight is what a remembered session takes apart from what varies in
	// length: its entry and the cache's own, and the answer made of it, see
	// TestWeightIsMemory.
	fixedWeight = 1960
	// teamWeight is what the answer says of a team besides.
	teamWeight = 750
	pointer    = int(unsafe.Sizeof(uintptr(0)))
	word       = 2 * pointer // the header of a string
)

// weigh returns how many bytes a remembered session takes, at most. It counts
// what is made of it from the start: a cache weighs an entry only once.
func weigh(_ [32]byte, e remembered) uint32 {
	n := len(e.Session.TokenHash)
	times := 1 // the answer repeats for a team who is in it
	if e.Team != nil {
		times = 2
	}
	texts := []string{e.Session.IP, e.Session.UserAgent, e.User.DisplayName}
	if e.User.PrimaryEmail != nil {
		texts = append(texts, *e.User.PrimaryEmail)
	}
	for _, text := range texts {
		n += len(text) + times*written(text)
	}
	n += len(e.User.AvatarURL) + written(e.User.AvatarURL)
	n += len(e.User.Metadata) + written(e.User.Metadata)
	for _, method := range e.Session.Methods {
		n += word + 2*len(method)
	}
	if t := e.Team; t != nil {
		n += int(unsafe.Sizeof(*t)) + int(unsafe.Sizeof(netip.Prefix{}))*len(t.Policy.AllowedNetworks) + teamWeight
		for _, provider := range slices.Concat(t.Policy.RequiredProviders, t.Policy.AnyOf) {
			n += word + len(provider)
		}
	}
	if by := e.MadeBy; by != nil {
		n += int(unsafe.Sizeof(*by)) + 2*len(by.Provider)
		if by.Wallet != nil {
			n += int(unsafe.Sizeof(*by.Wallet)) + 2*len(by.Wallet.Address)
		}
	}
	for _, text := range slices.Concat(e.Session.Scopes, e.Session.Resources) {
		n += word + len(text)
	}
	if e.Session.ClientID != nil {
		n += word + len(*e.Session.ClientID)
	}
	for _, id := range []*identity.ID{e.Session.GrantID, e.Session.ParentID, e.Session.IdentityID, e.Session.TeamSessionID, e.Session.KeyID, e.User.MergedInto} {
		if id != nil {
			n += len(id)
		}
	}
	// An id is text in the answer, twice.
	n += len(e.FormerIDs) * (len(identity.ID{}) + 2*len(`"018f4e0a-5b1c-7d3e-9a2b-3c4d5e6f7a8b",`))
	n += fixedWeight + n/8                // the allocator rounds sizes up
	return uint32(min(n, math.MaxUint32)) //nolint:gosec // bounded just here
}

// written is the most bytes that encoding/json makes of a text: it escapes what
// would mean something to HTML.
func written[T ~string](text T) int {
	n := len(text)
	for i := range len(text) {
		switch c := text[i]; {
		case c == '<' || c == '>' || c == '&' || c < ' ':
			n += len(`\u003c`) - 1
		case c == 0xe2: // the first byte of U+2028 and U+2029
			n += len(`\u2028`) - len("\u2028")
		case c == '"' || c == '\\':
			n++
		}
	}
	return n
}
