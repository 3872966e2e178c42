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

// ImportedTeam remembers which team an organization of another system became.
type ImportedTeam struct {
	Origin     string
	SourceID   string
	TeamID     ID
	ImportedAt time.Time
}

// ImportBatch is what one transaction of an import writes.
type ImportBatch struct {
	Users      []User // without primary address: it is set once the address is theirs
	Identities []Identity
	Emails     []Email // the first of a user becomes primary, unless they have one
	Vouchers   []Voucher
	Imported   []Imported
	Events     []Event
}

// ImportRefusedError is why the database does not take a batch of an import: a row
// of it breaks a constraint, or has a value that the database cannot keep. The
// transaction is over.
type ImportRefusedError struct {
	Constraint string // that a row breaks; "" for a value
	Reason     string
}

// Error implements error.
func (e *ImportRefusedError) Error() string { return e.Reason }
