// Package passkey proves people by their passkeys: an authenticator signs a challenge
// that was issued here (WebAuthn level 3). github.com/go-webauthn/webauthn parses and
// verifies what authenticators write; this package decides what is requested and what is
// expected.
package passkey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

// Config is what a deployment requests from authenticators.
type Config struct {
	Domain  string   // the RP ID, "" where there can be no passkeys
	Name    string   // of the relying party, for people
	Origins []string // of the pages that may ask for passkeys
	// Verified takes only passkeys whose authenticator verified the person, by a PIN, a
	// fingerprint or a face. Otherwise only a step-up needs that.
	Verified bool
}

// needsVerification reports whether the authenticator has to verify the person.
func (c Config) needsVerification(purpose identity.Purpose) bool {
	return c.Verified || purpose == identity.PurposeStepUp
}

func (c Config) verification(purpose identity.Purpose) protocol.UserVerificationRequirement {
	if c.needsVerification(purpose) {
		return protocol.VerificationRequired
	}
	return protocol.VerificationPreferred
}

// Store keeps passkeys. Rows that do not exist are identity.ErrNotFound.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Passkey returns a passkey by its credential's id, in base64url.
	Passkey(ctx context.Context, credential string) (identity.Passkey, error)
	// IdentitiesOf lists the identities of users with their passkeys, oldest first.
	IdentitiesOf(ctx context.Context, users []identity.ID) ([]identity.Identity, error)
	// PasskeyHandle returns the user's handle: the one that is given, if they have none.
	PasskeyHandle(ctx context.Context, user identity.ID, handle []byte) ([]byte, error)
}

// Service issues challenges and verifies what authenticators sign.
type Service struct {
	cfg      Config
	attempts *method.Attempts
	store    Store
	now      identity.Clock
}

// NewService returns the service.
func NewService(cfg Config, attempts *method.Attempts, store Store, now identity.Clock) *Service {
	return &Service{cfg: cfg, attempts: attempts, store: store, now: now}
}

// Origins returns those whose pages may ask for passkeys.
func (s *Service) Origins() []string { return s.cfg.Origins }

// Request describes the challenge to create.
type Request struct {
	Purpose identity.Purpose
	// Existing asks for a passkey that exists, to link. Otherwise a link creates one.
	Existing bool
	// Name is what authenticators call the person.
	Name string
}

// Creates reports whether the request is for a new passkey.
func (r Request) Creates() bool { return r.Purpose == identity.PurposeLink && !r.Existing }

// Challenge is what an authenticator is asked: to create a passkey, or to use one.
type Challenge struct {
	Create    *protocol.PublicKeyCredentialCreationOptions // nil to use one
	Get       *protocol.PublicKeyCredentialRequestOptions  // nil to create one
	ExpiresAt time.Time
}

// handleBytes is the length of a user handle. WebAuthn allows 64 bytes at most.
const handleBytes = 32

// algorithms are those of new passkeys, in order of preference: what every authenticator
// has, and what those of Windows have.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// Challenge begins an attempt and returns what to ask the authenticator; the challenge is
// the attempt's token. Only a user's first passkey has something stored: their handle.
// CodeInvalidRequest at an origin without passkeys.
func (s *Service) Challenge(ctx context.Context, r Request, by method.Requester) (Challenge, error) {
	if s.cfg.Domain == "" || !slices.Contains(s.cfg.Origins, by.Origin) {
		return Challenge{}, identity.NewError(identity.CodeInvalidRequest, "passkeys cannot be used on this page: its origin is not configured for them")
	}
	attempt, err := method.Begin(method.ByPasskey, identity.ProviderPasskey, r.Purpose, by, s.now())
	if err != nil {
		return Challenge{}, err
	}
	token, err := s.attempts.Seal(attempt)
	if err != nil {
		return Challenge{}, err
	}
	out := Challenge{ExpiresAt: attempt.ExpiresAt}
	if r.Creates() {
		out.Create, err = s.creation(ctx, token, *by.User, r.Name)
		return out, err
	}
	out.Get = &protocol.PublicKeyCredentialRequestOptions{
		Challenge: []byte(token), Timeout: int(method.Lifetime.Milliseconds()), RelyingPartyID: s.cfg.Domain,
		UserVerification: s.cfg.verification(r.Purpose),
	}
	if r.Purpose == identity.PurposeStepUp {
		out.Get.AllowedCredentials, err = s.own(ctx, *by.User)
	}
	return out, err
}

// creation asks for a passkey that signs its user in without a name (a discoverable
// credential), without saying which authenticator made it (no attestation).
func (s *Service) creation(ctx context.Context, token string, user identity.ID, name string) (*protocol.PublicKeyCredentialCreationOptions, error) {
	own, err := s.own(ctx, user)
	if err != nil {
		return nil, err
	}
	handle := make([]byte, handleBytes)
	_, _ = rand.Read(handle) // never fails
	if handle, err = s.handle(ctx, user, handle); err != nil {
		return nil, err
	}
	return &protocol.PublicKeyCredentialCreationOptions{
		RelyingParty: protocol.RelyingPartyEntity{CredentialEntity: protocol.CredentialEntity{Name: s.cfg.Name}, ID: s.cfg.Domain},
		User:         protocol.UserEntity{CredentialEntity: protocol.CredentialEntity{Name: name}, DisplayName: name, ID: protocol.URLEncodedBase64(handle)},
		Challenge:    []byte(token), Parameters: algorithms, Timeout: int(method.Lifetime.Milliseconds()), CredentialExcludeList: own,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: new(true), UserVerification: s.cfg.verification(identity.PurposeLink),
		},
		Attestation: protocol.PreferNoAttestation,
	}, nil
}

func (s *Service) handle(ctx context.Context, user identity.ID, candidate []byte) (out []byte, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		out, err = s.store.PasskeyHandle(ctx, user, candidate)
		return err
	})
	return out, err
}

// own lists the passkeys of a user for a browser.
func (s *Service) own(ctx context.Context, user identity.ID) ([]protocol.CredentialDescriptor, error) {
	all, err := s.store.IdentitiesOf(ctx, []identity.ID{user})
	out := []protocol.CredentialDescriptor{}
	for _, i := range all {
		id, bad := base64.RawURLEncoding.DecodeString(i.Subject)
		if i.Provider != identity.ProviderPasskey || bad != nil {
			continue
		}
		d := protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: id}
		if i.Passkey != nil {
			for _, t := range strings.Fields(i.Passkey.Transports) {
				d.Transport = append(d.Transport, protocol.AuthenticatorTransport(t))
			}
		}
		out = append(out, d)
	}
	return out, err
}

// Prove verifies what an authenticator made of a challenge: the JSON form of a
// RegistrationResponse or of an AuthenticationResponse (WebAuthn section 5.1). The
// purpose comes from the challenge, which is burned when the proof is applied. label
// names a new passkey. The error is a *identity.Error: CodeInvalidMessage for what is no
// such response, else CodeInvalidProof, with the field "id" for a passkey that is not
// known here.
func (s *Service) Prove(ctx context.Context, response []byte, label string, by method.Requester) (identity.Proof, error) {
	created, challenge, err := peek(response)
	if err != nil {
		return identity.Proof{}, err
	}
	attempt, err := s.attempts.Open(method.ByPasskey, challenge, identity.ProviderPasskey, by, s.now())
	if err != nil {
		return identity.Proof{}, refused("challenge", "this challenge has expired, or was not issued to this browser for this purpose; start again", err)
	}
	proof := identity.Proof{Provider: identity.ProviderPasskey, Purpose: attempt.Purpose, Secret: new(attempt.SingleUse(challenge))}
	if created {
		if attempt.Purpose != identity.PurposeLink {
			return identity.Proof{}, refused("response", "a new passkey proves nothing: link it first", nil)
		}
		return s.register(ctx, proof, response, challenge, label, by)
	}
	return s.assert(ctx, proof, response, challenge, by)
}

func (s *Service) register(ctx context.Context, proof identity.Proof, response []byte, challenge, label string, by method.Requester) (identity.Proof, error) {
	made, err := s.verifyCreation(response, challenge, by.Origin)
	if err != nil {
		return identity.Proof{}, err
	}
	if made.UserHandle, err = s.handle(ctx, *by.User, nil); err != nil {
		return identity.Proof{}, err
	}
	proof.Subject, proof.DisplayName = made.credential, label
	proof.Passkey = &identity.PasskeyProof{Passkey: made.Passkey, Created: true}
	return proof, nil
}

func (s *Service) assert(ctx context.Context, proof identity.Proof, response []byte, challenge string, by method.Requester) (identity.Proof, error) {
	parsed, err := parseAssertion(response)
	if err != nil {
		return identity.Proof{}, err
	}
	proof.Subject = base64.RawURLEncoding.EncodeToString(parsed.RawID)
	known, err := s.store.Passkey(ctx, proof.Subject)
	if errors.Is(err, identity.ErrNotFound) {
		return identity.Proof{}, identity.ErrPasskeyUnknown()
	}
	if err != nil {
		return identity.Proof{}, err
	}
	shown, err := s.verifyAssertion(parsed, known, challenge, by.Origin, proof.Purpose)
	if err != nil {
		return identity.Proof{}, err
	}
	proof.Passkey = &identity.PasskeyProof{Passkey: shown}
	return proof, nil
}
