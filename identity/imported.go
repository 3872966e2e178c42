package identity

import "time"

// Imported remembers which user a user of another system became.
type Imported struct {
	Origin     string // which system: "authjs", or a name the operator chose
	SourceID   string // the user's id there
	UserID     ID
	Email      string // the verified address as it was spelled there
	ImportedAt time.Time
}

// ImportBatch is what one transaction of an import writes.
type ImportBatch struct {
	Users      []User // without primary address: it is set once the address is theirs
	Identities []Identity
	Emails     []Email
	Vouchers   []Voucher
	Imported   []Imported
	Events     []Event
}
