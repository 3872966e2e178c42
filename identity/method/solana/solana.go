// Package solana proves people by their Solana accounts: a wallet signs a text with a
// nonce that was issued here, by the signIn or signMessage of the Wallet Standard. The
// text is an EIP-4361 text for another chain, so package siwe reads most of it.
package solana

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/wallet"
	"github.com/latchkey/latchkey/siwe"
)

// Config is what a deployment requests from wallets.
type Config struct {
	Networks     []Network // that are accepted, the default first; none turns it off
	Statement    string    // of the texts, or ""
	TermsVersion string    // of the terms that Statement agrees to, or ""
	Resources    []string  // of the texts
}

// Service issues challenges and verifies what wallets sign.
type Service struct {
	cfg      Config
	attempts *method.Attempts
	now      identity.Clock
}

// NewService returns the service.
func NewService(cfg Config, attempts *method.Attempts, now identity.Clock) *Service {
	return &Service{cfg: cfg, attempts: attempts, now: now}
}

// Networks returns the names of the networks that are accepted, the default first.
func (s *Service) Networks() []string { return namesOf(s.cfg.Networks) }

// Request describes the challenge to create.
type Request struct {
	Purpose identity.Purpose
	Network string // its name; "" is the default
	Address string // for a text that is ready to sign; "" for none
}

// Challenge is what a wallet signs: the fields of a text, and the text itself if the
// address was given.
type Challenge struct {
	Message
	ExpiresAt time.Time
	Text      string // "" without an address
}

// SignInInput is what the Wallet Standard's solana:signIn takes (SolanaSignInInput).
type SignInInput struct {
	Domain         string   `json:"domain"`
	Address        string   `json:"address,omitempty"`
	Statement      string   `json:"statement,omitempty"`
	URI            string   `json:"uri"`
	Version        string   `json:"version"`
	ChainID        string   `json:"chainId"`
	Nonce          string   `json:"nonce"`
	IssuedAt       string   `json:"issuedAt"`
	ExpirationTime string   `json:"expirationTime"`
	Resources      []string `json:"resources,omitempty"`
}

// Input returns what to give to a wallet, which writes the text itself.
func (c Challenge) Input() SignInInput {
	return SignInInput{
		Domain: c.Domain, Address: c.Account, Statement: c.Statement, URI: c.URI, Version: c.Version, ChainID: c.Chain, Nonce: c.Nonce,
		IssuedAt: c.IssuedAt.Format(time.RFC3339Nano), ExpirationTime: c.ExpirationTime.Format(time.RFC3339Nano), Resources: c.Resources,
	}
}

// Challenge begins an attempt and returns what to sign; the nonce is the attempt's token.
// Nothing is stored.
func (s *Service) Challenge(r Request, by method.Requester) (Challenge, error) {
	now := s.now()
	if err := s.on(); err != nil {
		return Challenge{}, err
	}
	attempt, err := method.Begin(method.BySolana, identity.ProviderSolana, r.Purpose, by, now)
	if err != nil {
		return Challenge{}, err
	}
	network, ok := s.cfg.Networks[0], true
	if r.Network != "" {
		network, ok = findNetwork(s.cfg.Networks, func(n Network) bool { return n.Name == r.Network })
	}
	if !ok {
		return Challenge{}, identity.NewError(identity.CodeInvalidRequest, "this network %s", s.accepted()).WithField("network")
	}
	if r.Address != "" {
		if err := checkAddress(r.Address); err != nil {
			var refused *siwe.Error
			errors.As(err, &refused)
			return Challenge{}, identity.NewError(identity.CodeInvalidRequest, "the address %s", refused.Reason).WithField(siwe.FieldAddress)
		}
	}
	origin, err := url.Parse(by.Origin)
	if err != nil {
		return Challenge{}, err
	}
	issued := now.UTC().Truncate(time.Millisecond) // as browsers write times
	c := Challenge{ExpiresAt: attempt.ExpiresAt, Message: Message{
		Account: r.Address, Chain: network.ChainID(),
		Message: siwe.Message{
			Domain: origin.Host, URI: by.Origin, Version: siwe.Version, Statement: s.cfg.Statement, Resources: s.cfg.Resources,
			IssuedAt: issued, ExpirationTime: &attempt.ExpiresAt,
		},
	}}
	if c.Nonce, err = s.attempts.Seal(attempt); err != nil {
		return Challenge{}, err
	}
	if r.Address != "" {
		if c.Text, err = Build(c.Message); err != nil {
			return Challenge{}, wallet.Refusal(err)
		}
	}
	return c, nil
}

// Prove verifies a text against everything that is expected. The purpose comes from the
// nonce, which is burned when the proof is applied. The error is a *identity.Error that
// names the invalid field.
func (s *Service) Prove(text, signature string, by method.Requester) (identity.Proof, error) {
	if err := s.on(); err != nil {
		return identity.Proof{}, err
	}
	proof, err := s.prove(text, signature, by)
	if err != nil {
		return identity.Proof{}, wallet.Refusal(err)
	}
	return proof, nil
}

// prove compares the text first, so that a signature costs nothing until the nonce has
// been recognised.
func (s *Service) prove(text, signature string, by method.Requester) (identity.Proof, error) {
	proof, now := identity.Proof{Provider: identity.ProviderSolana}, s.now()
	if len(signature) > maxSignature {
		return proof, malformed(siwe.FieldSignature, "must be 64 bytes, in base 58 or in base 64")
	}
	m, err := Parse(text)
	if err != nil {
		return proof, err
	}
	network, ok := findNetwork(s.cfg.Networks, func(n Network) bool { return n.is(m.Chain) })
	if !ok {
		return proof, rejected(siwe.FieldChainID, s.accepted())
	}
	key, err := publicKey(m.Account)
	if err != nil {
		return proof, err
	}
	origin, err := url.Parse(by.Origin)
	if err != nil {
		return proof, err
	}
	expected := siwe.Expectation{
		Domain: origin.Host, Origin: by.Origin, Chains: []uint64{m.ChainID}, Now: now,
		Nonce: wallet.CheckNonce(s.attempts, method.BySolana, by, now, &proof),
	}
	if err := expected.Check(&m.Message); err != nil {
		return proof, err
	}
	if err := verify(key, text, signature); err != nil {
		return proof, err
	}
	proof.Subject = network.Subject(m.Account)
	if s.cfg.TermsVersion != "" && m.Statement == s.cfg.Statement {
		proof.TermsVersion = s.cfg.TermsVersion
	}
	return proof, nil
}

// on refuses where no network is configured.
func (s *Service) on() error {
	if len(s.cfg.Networks) == 0 {
		return identity.NewError(identity.CodeProviderDisabled, "this sign-in method is not configured")
	}
	return nil
}

// accepted says which networks there are.
func (s *Service) accepted() string {
	return "is not accepted: sign in on " + strings.Join(s.Networks(), " or ")
}
