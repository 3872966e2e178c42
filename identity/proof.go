package identity

import (
	"slices"
	"strings"
	"time"
)

// Names of the built-in providers.
const (
	ProviderGoogle  = "google"
	ProviderGitHub  = "github"
	ProviderSIWE    = "siwe"
	ProviderEmail   = "email"
	ProviderPasskey = "passkey"
	ProviderSolana  = "solana"
)

// Purpose is why a proof is asked for. A proof made for one purpose is refused
// for every other.
type Purpose string

// The purposes of a proof.
const (
	PurposeSignIn Purpose = "sign_in"
	PurposeLink   Purpose = "link"
	PurposeMerge  Purpose = "merge"
	PurposeStepUp Purpose = "step_up"
)

// NeedsSession reports whether the purpose acts on a signed-in user.
func (p Purpose) NeedsSession() bool { return p != PurposeSignIn }

// Proof is what a provider verified just now. It is never trusted beyond that.
type Proof struct {
	Provider string
	Subject  string
	Purpose  Purpose
	// Email is the address the provider showed, canonical, or "".
	Email string
	// EmailAuthoritative reports whether the provider vouches for Email *and* is
	// an authority for it. Only such an address is looked up or claimed.
	EmailAuthoritative bool
	// Reported reports whether the provider said which addresses the account has.
	// One that says nothing (scope missing, call failed) changes nothing.
	Reported bool
	// Kept are further addresses, canonical, whose vouchers stay: verified but
	// not primary, or left unmentioned.
	Kept        []string
	DisplayName string
	AvatarURL   string
	Wallet      *Wallet // only from siwe
	// TermsVersion is the version of the terms whose statement a Solana wallet signed, or
	// "". That of an Ethereum wallet is in Wallet.
	TermsVersion string `json:",omitempty"`
	// Passkey is only from passkeys.
	Passkey *PasskeyProof `json:",omitempty"`
	Secret  *SingleUse
	// KeyID is the API key that vouched for the person, of a provider that IsBackend.
	KeyID *ID `json:",omitempty"`
}

// BackendPrefix begins the names of providers that are an application's own backend,
// each of one API key and its successors.
const BackendPrefix = "backend:"

// IsBackend reports whether a provider is an application's own backend.
func IsBackend(provider string) bool { return strings.HasPrefix(provider, BackendPrefix) }

// Wallet is the account behind a Sign-In with Ethereum proof.
type Wallet struct {
	Address string // EIP-55
	ChainID int64  // EIP-155, of the message
	Kind    string // "eoa" or "contract"
	// TermsVersion is the version of the terms whose statement was signed, or "".
	TermsVersion string
}

// SingleUse is the secret (nonce, state, code) a proof was made with. It is burned
// in the transaction that applies the proof.
type SingleUse struct {
	Hash      []byte    // see HashSecret
	ExpiresAt time.Time // from when on the secret is refused by itself
}

// ErrProofUsed returns the refusal of a proof whose secret was burned before.
func ErrProofUsed() *Error {
	return NewError(CodeProofUsed, "this proof was already used: start again")
}

// Terms returns the version of the terms whose statement a wallet signed, or "".
func (p Proof) Terms() string {
	if p.Wallet != nil {
		return p.Wallet.TermsVersion
	}
	return p.TermsVersion
}

// VerifiedEmail is the address that may be looked up and claimed, or "".
func (p Proof) VerifiedEmail() string {
	if !p.EmailAuthoritative {
		return ""
	}
	return p.Email
}

// Denies reports whether the provider said that the account does not, or no
// longer, own the address.
func (p Proof) Denies(address string) bool {
	return p.Reported && address != p.VerifiedEmail() && !slices.Contains(p.Kept, address)
}
