package siwe

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// The bounds on a message's times, unless an Expectation says otherwise.
const (
	// DefaultMaxAge is how long ago a message may have been issued.
	DefaultMaxAge = 10 * time.Minute
	// DefaultSkew is how far the clock that wrote a message may be ahead of ours.
	// It is the one allowance for issued-at and not-before alike.
	DefaultSkew = time.Minute
)

// Expectation is what the relying party asked for. Every field is compared, and a
// field that is not set refuses, except where its comment says otherwise.
type Expectation struct {
	// Domain must be the message's, byte for byte: "app.example.com".
	Domain string
	// Origin must be the message's URI's, byte for byte: "https://app.example.com".
	// Its scheme must also be the header's, if the header has one.
	Origin string
	// Chains are the EIP-155 chain ids that are accepted.
	Chains []uint64
	// Nonce reports whether the message's nonce was issued for this use. A
	// *[Error] from it is returned as it is, any other as Rejected.
	Nonce func(nonce string) error
	// Now is the time of the verification.
	Now time.Time
	// MaxAge is how long ago the message may have been issued. Skew is how far in
	// the future its issued-at and not-before may be. Zero means [DefaultMaxAge]
	// and [DefaultSkew].
	MaxAge, Skew time.Duration
	// RequestID, if not nil, must be the message's.
	RequestID *string
	// Contracts verifies contract wallets; nil refuses them.
	Contracts ContractVerifier
	// Logger, if not nil, gets an error for each signature that is refused with
	// [ErrDisagreement].
	Logger *slog.Logger

	siweGo verifyEIP191 // nil is siwe-go's; tests put in another
}

// ContractVerifier decides whether a contract wallet has signed a hash.
// [Contracts] is the one that asks the chain.
type ContractVerifier interface {
	// VerifyContract returns nil only if the contract at account on the chain
	// accepts the signature over hash. A *[Error] is passed on as it is, any
	// other error counts as Unavailable.
	VerifyContract(ctx context.Context, chainID uint64, account common.Address, hash common.Hash, signature []byte) error
}

// Verify checks that raw, an EIP-4361 message exactly as it was signed, meets exp,
// and that signature, "0x" and hexadecimal digits, is the signature of its
// account. It returns the account and the message, or a *[Error].
//
// The message is parsed and compared first, so a signature costs nothing until
// the nonce has been recognised. Then the key is recovered from the EIP-191 hash
// of the bytes of raw: by siwe-go if it can write them, else here. Only if that
// key is not the address's, and exp has Contracts, is the chain asked; an
// externally owned account never depends on it.
func Verify(ctx context.Context, raw, signature string, exp Expectation) (Account, *Message, error) {
	sig, err := decodeSignature(signature)
	if err != nil {
		return Account{}, nil, err
	}
	m, err := Parse(raw)
	if err != nil {
		return Account{}, nil, err
	}
	if err := exp.Check(m); err != nil {
		return Account{}, nil, err
	}
	kind, err := exp.signedBy(ctx, m, raw, sig)
	if err != nil {
		return Account{}, nil, err
	}
	return Account{Address: m.Address, ChainID: m.ChainID, Kind: kind}, m, nil
}

func (exp *Expectation) signedBy(ctx context.Context, m *Message, raw string, sig []byte) (Kind, error) {
	byKey, err := exp.signedByKey(m, raw, withoutDelegation(sig))
	switch {
	case err != nil:
		return "", err
	case byKey:
		return EOA, nil
	case exp.Contracts == nil:
		return "", errNotSignedByKey(sig, "contract wallets are not supported here")
	}
	if err := exp.Contracts.VerifyContract(ctx, m.ChainID, m.Address, personalHash(raw), sig); err != nil {
		return "", asError(err, Error{Field: FieldSignature, Kind: Unavailable, Reason: "could not be checked on the chain", RetryAfter: retryAfter})
	}
	return Contract, nil
}

// Check compares a message with what was asked for. It checks all but the signature,
// which is for [Verify], and returns a *[Error].
func (exp *Expectation) Check(m *Message) error {
	if exp.Domain == "" || m.Domain != exp.Domain {
		return rejected(FieldDomain, "is not the one that asked")
	}
	originScheme, _, ok := strings.Cut(exp.Origin, "://")
	if !ok || !hasOrigin(m.URI, exp.Origin) {
		return rejected(FieldURI, "is of another origin than the one that asked")
	}
	if m.Scheme != "" && m.Scheme != originScheme {
		return rejected(FieldScheme, "is not the one of the origin that asked")
	}
	if !slices.Contains(exp.Chains, m.ChainID) {
		return rejected(FieldChainID, "is not an accepted chain: sign in on "+ChainList(exp.Chains))
	}
	if exp.RequestID != nil && (m.RequestID == nil || *m.RequestID != *exp.RequestID) {
		return rejected(FieldRequestID, "is not the one that was asked for")
	}
	if err := exp.compareTimes(m); err != nil {
		return err
	}
	if exp.Nonce == nil {
		return rejected(FieldNonce, "cannot be recognised: no check was given")
	}
	if err := exp.Nonce(m.Nonce); err != nil {
		return asError(err, Error{Field: FieldNonce, Kind: Rejected, Reason: "was not accepted"})
	}
	return nil
}

func (exp *Expectation) compareTimes(m *Message) error {
	maxAge, skew := exp.MaxAge, exp.Skew
	if maxAge == 0 {
		maxAge = DefaultMaxAge
	}
	if skew == 0 {
		skew = DefaultSkew
	}
	latest := exp.Now.Add(skew)
	switch {
	case m.IssuedAt.After(latest):
		return rejected(FieldIssuedAt, "is in the future")
	case m.IssuedAt.Before(exp.Now.Add(-maxAge)):
		return rejected(FieldIssuedAt, "is too long ago")
	case m.ExpirationTime != nil && m.ExpirationTime.Before(m.IssuedAt):
		return rejected(FieldExpirationTime, "is before the message was issued")
	case m.ExpirationTime != nil && !exp.Now.Before(*m.ExpirationTime):
		return rejected(FieldExpirationTime, "has passed")
	case m.NotBefore != nil && m.NotBefore.After(latest):
		return rejected(FieldNotBefore, "has not come yet")
	case m.NotBefore != nil && m.ExpirationTime != nil && !m.NotBefore.Before(*m.ExpirationTime):
		// Without the allowance no time could be both. With it, one could.
		return rejected(FieldNotBefore, "is not before the message expires")
	}
	return nil
}

// hasOrigin reports whether the origin of a URI is origin, byte for byte. It
// compares texts, not parsed URLs: the authority ends where RFC 3986 ends it.
// Userinfo, a default port or a trailing dot make another origin.
func hasOrigin(uri, origin string) bool {
	rest, ok := strings.CutPrefix(uri, origin)
	return ok && (rest == "" || strings.IndexByte("/?#", rest[0]) >= 0)
}
