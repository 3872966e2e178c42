package identity

import (
	"strings"
	"time"
)

// Voucher is one identity's statement that it owns an address. There is one for
// each (address, provider, subject, user) that ever vouched with authority, and
// it outlives the identity: an address that changes hands is recognised by it.
type Voucher struct {
	ID       ID
	Address  string // canonical
	Provider string // of the identity, or ImportProvider of the source
	Subject  string // of the identity, or the user's id in the source
	UserID   *ID    // nil for a proof that was refused
	FirstAt  time.Time
	LastAt   time.Time // while the identity is linked, its last use counts
	EndedAt  *time.Time
	Reason   VoucherEnd // why it ended, or ""
	// SettledBy is the owner of the address who said that it is theirs in spite
	// of this voucher.
	SettledBy *ID
}

// VoucherEnd is why an identity no longer vouches for an address.
type VoucherEnd string

// The reasons for which vouchers end.
const (
	VoucherUnlinked VoucherEnd = "unlinked" // the identity was unlinked
	VoucherChanged  VoucherEnd = "changed"  // the provider reported something else
	VoucherRemoved  VoucherEnd = "removed"  // the address was removed from the user
	VoucherErased   VoucherEnd = "erased"   // the user was deleted
	VoucherReplaced VoucherEnd = "replaced" // of an import: an identity vouches now
)

// ErasedPrefix marks what is left of an erased value. No address and no subject of a
// provider begins like it.
const ErasedPrefix = "erased:"

// importPrefix marks vouchers that no identity gave.
const importPrefix = "import:"

// ImportProvider is the provider of vouchers that came with an import.
func ImportProvider(source string) string { return importPrefix + source }

// Imported reports whether the voucher came with an import.
func (v Voucher) Imported() bool { return strings.HasPrefix(v.Provider, importPrefix) }

// Names reports whether the voucher, live or ended, is of the user.
func (v Voucher) Names(user ID) bool { return v.UserID != nil && *v.UserID == user }

// Live reports whether the voucher makes the address the user's.
func (v Voucher) Live(user ID) bool { return v.Names(user) && v.EndedAt == nil }

// By reports whether the identity (provider, subject) gave the voucher.
func (v Voucher) By(provider, subject string) bool {
	return v.Provider == provider && v.Subject == subject
}

// Doubts reports whether the identity that gives the voucher once more is new reason
// to doubt whose the address is, although the owner has settled it. A mailbox proves
// who reads the mail now, which may be someone else than before. An account of a
// provider says what it said before, as GitHub does for ever of an address that was
// verified once.
func (v Voucher) Doubts() bool { return v.Provider == ProviderEmail }

// SettledIn returns who settled what the identity of the voucher said of the address
// before, according to the vouchers of the address and the identity; nil if no one
// did, or if saying it again is reason for new doubt.
func (v Voucher) SettledIn(before []Voucher) *ID {
	var by *ID
	for _, b := range before {
		if b.Address == v.Address && b.By(v.Provider, v.Subject) && b.SettledBy != nil && !v.Doubts() {
			by = b.SettledBy
		}
	}
	return by
}

// Contests reports whether the voucher, live or ended, is reason to doubt that a
// proof of its address by (provider, subject) comes from the address's owner.
// It is when it names someone else, unless the owner has settled that, or when
// it is of another subject of the same provider: a provider gives an address to
// one account at a time.
func (v Voucher) Contests(provider, subject string, owner ID) bool {
	if v.Provider == provider && v.Subject != subject {
		return true
	}
	if v.Names(owner) || v.UserID == nil && v.By(provider, subject) {
		return false
	}
	return v.SettledBy == nil || *v.SettledBy != owner
}
