package identity

import "time"

// Passkey is a public key credential (WebAuthn level 3), kept beside its identity, whose
// subject is the credential's id in base64url.
type Passkey struct {
	IdentityID ID
	UserHandle []byte // what the authenticator keeps it under; of one user alone, and not their id
	PublicKey  []byte // COSE_Key (RFC 9052 section 7)
	// SignCount is the signature counter of the last assertion; 0 from an authenticator
	// that does not count, as those that synchronize do not.
	SignCount int64
	// BackupEligible reports whether it can be synchronized between devices, and never
	// changes. BackedUp reports whether it was when it was last used.
	BackupEligible bool
	BackedUp       bool
	Transports     string // hints for browsers how to reach the authenticator, as words
	// CloneSuspectedAt is when its counter last went back: there may be two of it. Nil
	// for never.
	CloneSuspectedAt *time.Time
}

// WentBack reports whether an assertion with a counter is one that a copy of the
// authenticator could have made (WebAuthn section 6.1.1).
func (p Passkey) WentBack(count int64) bool {
	return count <= p.SignCount && (count != 0 || p.SignCount != 0)
}

// PasskeyProof is a passkey as it was shown just now.
type PasskeyProof struct {
	Passkey
	// Created reports whether it is new. Then it proves nothing about whose it was: it
	// is refused if its id is known. One that is not new is refused unless it is.
	Created bool
}

// ErrPasskeyUnknown returns the refusal of a passkey that no user has, or none any more.
func ErrPasskeyUnknown() *Error {
	return NewError(CodeInvalidProof, "this passkey is not known here: it was removed from its account, or is of another service").WithField("id")
}
