// Package wallet proves people by their Ethereum accounts: a wallet signs a message
// (EIP-4361) with a nonce that was issued here. Package siwe parses and verifies the
// message; this package decides what is requested and what is expected.
package wallet

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/siwe"
)

// Config is what a deployment requests from wallets.
type Config struct {
	Chains       []uint64 // EIP-155 ids that are accepted, the default first
	Statement    string   // of ready messages, or ""
	TermsVersion string   // of the terms that Statement agrees to, or ""
	Resources    []string // of ready messages
	// Contracts are those of Chains whose contract wallets can be asked.
	Contracts []uint64
	// Lifetime is how long a challenge can be answered; 0 is method.Lifetime. Several
	// owners of a contract wallet may need longer.
	Lifetime time.Duration
}

// Service issues challenges and verifies what wallets sign.
type Service struct {
	cfg       Config
	attempts  *method.Attempts
	contracts siwe.ContractVerifier
	log       *slog.Logger
	now       identity.Clock
}

// NewService returns the service. Without contracts, which may be nil, contract
// wallets are refused.
func NewService(cfg Config, attempts *method.Attempts, contracts siwe.ContractVerifier, log *slog.Logger, now identity.Clock) *Service {
	if cfg.Lifetime == 0 {
		cfg.Lifetime = method.Lifetime
	}
	return &Service{cfg: cfg, attempts: attempts, contracts: contracts, log: log, now: now}
}

// Chains returns the chains that wallets may sign in on, the default first.
func (s *Service) Chains() []uint64 { return s.cfg.Chains }

// TakesContracts reports whether contract wallets can sign in on a chain.
func (s *Service) TakesContracts(chain uint64) bool { return slices.Contains(s.cfg.Contracts, chain) }

// Request describes the challenge to create.
type Request struct {
	Purpose identity.Purpose
	Chain   uint64 // EIP-155 id; 0 is the default
	Address string // in any spelling, for a ready message; "" for none
}

// Challenge is what a wallet signs: the fields of a message, and its text if the address
// was given.
type Challenge struct {
	siwe.Message
	ExpiresAt time.Time
	Text      string // "" without an address
}

// Challenge begins an attempt and returns what to sign; the nonce is the attempt's token.
// Nothing is stored.
func (s *Service) Challenge(r Request, by method.Requester) (Challenge, error) {
	now := s.now()
	attempt, err := method.BeginFor(method.ByWallet, identity.ProviderSIWE, r.Purpose, by, now, s.cfg.Lifetime)
	if err != nil {
		return Challenge{}, err
	}
	message := siwe.Message{
		URI: by.Origin, Version: siwe.Version, ChainID: r.Chain, Statement: s.cfg.Statement, Resources: s.cfg.Resources,
		IssuedAt: now, ExpirationTime: &attempt.ExpiresAt,
	}
	if message.ChainID == 0 {
		message.ChainID = s.cfg.Chains[0]
	}
	if !slices.Contains(s.cfg.Chains, message.ChainID) {
		return Challenge{}, identity.NewError(identity.CodeInvalidRequest, "this chain is not accepted: sign in on %s", siwe.ChainList(s.cfg.Chains)).WithField(siwe.FieldChainID)
	}
	if r.Address != "" {
		address, refused := ParseAddress(r.Address)
		if refused != nil {
			return Challenge{}, refused.WithField(siwe.FieldAddress)
		}
		message.Address = address
	}
	origin, err := url.Parse(by.Origin)
	if err != nil {
		return Challenge{}, err
	}
	message.Domain = origin.Host
	if message.Nonce, err = s.attempts.Seal(attempt); err != nil {
		return Challenge{}, err
	}
	out := Challenge{Message: message, ExpiresAt: attempt.ExpiresAt}
	if r.Address != "" {
		if out.Text, err = siwe.Build(message); err != nil {
			return Challenge{}, Refusal(err)
		}
	}
	return out, nil
}

// Prove verifies a message against everything that is expected. The purpose comes from
// the nonce, which is burned when the proof is applied. The error is a *identity.Error
// that names the invalid field.
func (s *Service) Prove(ctx context.Context, message, signature string, by method.Requester) (identity.Proof, error) {
	origin, err := url.Parse(by.Origin)
	if err != nil {
		return identity.Proof{}, err
	}
	now := s.now()
	proof := identity.Proof{Provider: identity.ProviderSIWE}
	account, parsed, err := siwe.Verify(ctx, message, signature, siwe.Expectation{
		Domain: origin.Host, Origin: by.Origin, Chains: s.cfg.Chains, Now: now, MaxAge: s.cfg.Lifetime, Contracts: s.contracts, Logger: s.log,
		Nonce: CheckNonce(s.attempts, method.ByWallet, by, now, &proof),
	})
	if err != nil {
		return identity.Proof{}, Refusal(err)
	}
	proof.Subject = account.Subject()
	proof.Wallet = &identity.Wallet{
		Address: account.Address.Hex(),
		ChainID: int64(parsed.ChainID), //nolint:gosec // Parse bounds it to 63 bits
		Kind:    string(account.Kind),
	}
	if s.cfg.TermsVersion != "" && parsed.Statement == s.cfg.Statement {
		proof.Wallet.TermsVersion = s.cfg.TermsVersion
	}
	return proof, nil
}

// CheckNonce returns the check of a message's nonce: a token of this kind for the proof's
// provider, that fits the requester. It gives the proof its purpose and its secret.
func CheckNonce(attempts *method.Attempts, kind method.Kind, by method.Requester, now time.Time, proof *identity.Proof) func(nonce string) error {
	return func(nonce string) error {
		attempt, err := attempts.Open(kind, nonce, proof.Provider, by, now)
		if err != nil {
			return identity.NewError(identity.CodeInvalidProof,
				"this nonce has expired, or was not issued to this browser for this purpose; create a new challenge").WithField(siwe.FieldNonce).Wrap(err)
		}
		proof.Purpose, proof.Secret = attempt.Purpose, new(attempt.SingleUse(nonce))
		return nil
	}
}

// Refusal converts an error of package siwe to a *identity.Error.
func Refusal(err error) error {
	var m *siwe.Error
	var inner *identity.Error
	switch {
	case errors.As(err, &inner): // from our check of the nonce
		return inner
	case !errors.As(err, &m):
		return err
	}
	code := identity.CodeInvalidProof
	switch m.Kind {
	case siwe.Malformed:
		code = identity.CodeInvalidMessage
	case siwe.Unavailable:
		code = identity.CodeUnavailable
	}
	e := identity.NewError(code, "%s", m.Field+": "+m.Reason).WithField(m.Field).Wrap(m)
	e.RetryAfter = m.RetryAfter
	return e
}
