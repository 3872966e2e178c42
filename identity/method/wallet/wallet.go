// Package wallet proves people by their Ethereum accounts: a wallet signs a message
// (EIP-4361) around a nonce that was issued here. Package siwe reads and verifies
// the message; this package decides what is asked for and what is expected.
package wallet

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/siwe"
)

// Config is what a deployment asks wallets for.
type Config struct {
	Chains       []uint64 // EIP-155 ids that are accepted, the default first
	Statement    string   // of ready messages, or ""
	TermsVersion string   // of the terms that Statement agrees to, or ""
	Resources    []string // of ready messages
}

// Service issues challenges and verifies what wallets sign.
type Service struct {
	cfg       Config
	nonces    *siwe.Nonces
	contracts siwe.ContractVerifier
	log       *slog.Logger
	now       identity.Clock
}

// NewService returns the service. Without contracts, which may be nil, contract
// wallets are refused.
func NewService(cfg Config, nonces *siwe.Nonces, contracts siwe.ContractVerifier, log *slog.Logger, now identity.Clock) *Service {
	return &Service{cfg: cfg, nonces: nonces, contracts: contracts, log: log, now: now}
}

// Chains returns the chains that wallets may sign in on, the default first.
func (s *Service) Chains() []uint64 { return s.cfg.Chains }

// Request is what a challenge is asked for with.
type Request struct {
	Purpose identity.Purpose
	Chain   uint64          // EIP-155 id; 0 is the default
	Address *common.Address // for a ready message; nil for none
}

// Challenge is what a wallet signs: the fields of a message, and the message itself
// if the address was given. Resources are nil where none are configured.
type Challenge struct {
	siwe.Message
	ExpiresAt time.Time
	Text      string // "" without an address
}

// CheckChain refuses a chain that is not accepted here.
func (s *Service) CheckChain(chain uint64) error {
	if chain != 0 && !slices.Contains(s.cfg.Chains, chain) {
		return identity.NewError(identity.CodeInvalidRequest, "this chain is not accepted; see /v1/auth/providers").WithField(siwe.FieldChainID)
	}
	return nil
}

// Challenge issues a nonce that is bound to the browser and the origin, and to the
// session for a purpose that acts on a user. Nothing is stored.
func (s *Service) Challenge(r Request, at siwe.Binding) (Challenge, error) {
	if err := s.CheckChain(r.Chain); err != nil {
		return Challenge{}, err
	}
	origin, err := url.Parse(at.Origin)
	if err != nil {
		return Challenge{}, err
	}
	now := s.now()
	nonce, expires, err := s.nonces.Issue(string(r.Purpose), at, now)
	if err != nil {
		return Challenge{}, err
	}
	out := Challenge{ExpiresAt: expires, Message: siwe.Message{
		Domain: origin.Host, URI: at.Origin, Version: siwe.Version, ChainID: r.Chain, Nonce: nonce,
		Statement: s.cfg.Statement, Resources: s.cfg.Resources, IssuedAt: now, ExpirationTime: &expires,
	}}
	if out.ChainID == 0 {
		out.ChainID = s.cfg.Chains[0]
	}
	if r.Address != nil {
		out.Address = *r.Address
		if out.Text, err = siwe.Build(out.Message); err != nil {
			return Challenge{}, refusal(err)
		}
	}
	return out, nil
}

// Prove verifies a message against everything that is expected here. The nonce says
// what the proof is for; it is burned when the proof is applied. The error is a
// *identity.Error that names the field at fault.
func (s *Service) Prove(ctx context.Context, message, signature string, at siwe.Binding) (identity.Proof, error) {
	origin, err := url.Parse(at.Origin)
	if err != nil {
		return identity.Proof{}, err
	}
	proof := identity.Proof{Provider: identity.ProviderSIWE}
	account, parsed, err := siwe.Verify(ctx, message, signature, siwe.Expectation{
		Domain: origin.Host, Origin: at.Origin, Chains: s.cfg.Chains, Now: s.now(), Contracts: s.contracts, Logger: s.log,
		Nonce: func(nonce string) error {
			purpose, expires, err := s.open(nonce, at)
			if err != nil {
				return identity.NewError(identity.CodeInvalidProof,
					"this nonce has expired, or was not issued to this browser for this purpose; create a new challenge").WithField(siwe.FieldNonce).Wrap(err)
			}
			proof.Purpose = purpose
			proof.Secret = &identity.SingleUse{Hash: identity.HashSecret(nonce), ExpiresAt: expires}
			return nil
		},
	})
	if err != nil {
		return identity.Proof{}, refusal(err)
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

// open opens a nonce for whatever it was issued for. One that acts on a user is
// bound to their session; one for signing in is not, so that it survives signing out
// in another tab.
func (s *Service) open(nonce string, b siwe.Binding) (identity.Purpose, time.Time, error) {
	if b.Flow == "" {
		return "", time.Time{}, siwe.ErrNonceInvalid
	}
	now := s.now()
	withSession := b
	b.Session = ""
	purpose, expires, err := s.nonces.Open(nonce, b, now)
	if errors.Is(err, siwe.ErrNonceInvalid) && withSession.Session != "" {
		purpose, expires, err = s.nonces.Open(nonce, withSession, now)
	}
	return identity.Purpose(purpose), expires, err
}

// refusal maps the kinds of a refusal of package siwe.
func refusal(err error) error {
	var m *siwe.Error
	var inner *identity.Error
	switch {
	case errors.As(err, &inner): // of our own check of the nonce
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
