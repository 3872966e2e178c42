// Package emailproof proves that somebody reads the mail of an address: it
// sends a link and a code, and turns either into an identity.Proof.
package emailproof

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"net/url"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// The limits. An address is bothered, and its codes are guessed at, only so
// often, whoever asks and from wherever.
const (
	Lifetime       = 10 * time.Minute
	MaxOpen        = 5  // challenges of one address that can be redeemed at a time
	MailsPerHour   = 10 // to one address
	MaxWrongCodes  = 5  // of one challenge
	WrongCodesADay = 20 // of one address; from then on only links work
)

// Keep is how long a challenge is kept after it expired: it counts for the
// limits.
const Keep = 24 * time.Hour

// Challenge is what a mail asks its receiver to prove. Token and code are kept
// as hashes only.
type Challenge struct {
	ID          identity.ID
	Address     string // canonical
	Purpose     identity.Purpose
	BrowserHash []byte
	UserID      *identity.ID // who asked, where the purpose acts on a user
	SessionID   *identity.ID // and by which session
	TokenHash   []byte       // burned when either is redeemed
	CodeHash    []byte
	WrongCodes  int
	CreatedAt   time.Time
	ExpiresAt   time.Time
	ReplacedAt  *time.Time // by a newer one of the same browser, purpose and address
}

// Open reports whether the challenge could be redeemed at now, if it was not yet.
func (c Challenge) Open(now time.Time) bool { return c.ReplacedAt == nil && now.Before(c.ExpiresAt) }

// Asker is who asks for a challenge, or redeems one.
type Asker struct {
	Browser   string // flow value, "" for none
	UserID    *identity.ID
	SessionID *identity.ID
}

// Service starts and redeems challenges.
type Service struct {
	store   Store
	sealer  identity.Sealer
	codeKey []byte
	page    string
	wake    func()
	now     identity.Clock
}

// NewService returns the service over a store. secret is the configured one;
// publicURL is where the links lead; wake is called when there is mail to send.
func NewService(store Store, sealer identity.Sealer, secret string, publicURL *url.URL, wake func(), now identity.Clock) *Service {
	return &Service{
		store: store, sealer: sealer, codeKey: identity.DeriveKey(secret, "email code"),
		page: publicURL.Scheme + "://" + publicURL.Host + "/sign-in", wake: wake, now: now,
	}
}

// Start sends a link and a code to an address. It neither asks nor tells
// whether somebody has the address here: what it does, and so how long it
// takes, is the same. Past a limit nothing is sent, and the answer is the same.
// returnTo has been checked, or is "".
func (s *Service) Start(ctx context.Context, email string, purpose identity.Purpose, returnTo string, by Asker) (expires time.Time, err error) {
	address, err := identity.CanonicalEmail(email)
	if err != nil {
		return time.Time{}, err
	}
	now := s.now()
	token, tokenHash := identity.NewSecret()
	c := Challenge{
		ID: identity.NewID(), Address: address, Purpose: purpose, BrowserHash: identity.HashSecret(by.Browser),
		TokenHash: tokenHash, CreatedAt: now, ExpiresAt: now.Add(Lifetime),
	}
	if purpose.NeedsSession() {
		c.UserID, c.SessionID = by.UserID, by.SessionID
	}
	code, err := newCode()
	if err != nil {
		return time.Time{}, err
	}
	c.CodeHash = s.hashCode(c.ID, code)
	task, err := s.sealer.NewTask(identity.TaskMail, identity.Mail{To: address, Template: identity.MailProof, Data: map[string]string{
		"purpose": string(purpose), "link": s.link(token, returnTo), "code": code, "minutes": strconv.Itoa(int(Lifetime.Minutes())),
	}}, now, c.ExpiresAt)
	if err != nil {
		return time.Time{}, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.LockAddress(ctx, address); err != nil {
			return err
		}
		recent, err := s.store.CountChallenges(ctx, address, now.Add(-time.Hour))
		if err != nil || recent >= MailsPerHour {
			return err
		}
		if err := s.store.ReplaceChallenges(ctx, c, now); err != nil {
			return err
		}
		open, err := s.store.OpenChallenges(ctx, address, now)
		if err != nil || len(open) >= MaxOpen {
			return err
		}
		if err := s.store.InsertChallenge(ctx, c); err != nil {
			return err
		}
		return s.store.EnqueueTasks(ctx, task)
	})
	if err != nil {
		return time.Time{}, err
	}
	s.wake()
	return c.ExpiresAt, nil
}

// link leads to a page of ours. The token is in its fragment: browsers send
// that to no server, so it is in no log, and what fetches the links of a mail
// to look at them redeems nothing.
func (s *Service) link(token, returnTo string) string {
	query := ""
	if returnTo != "" {
		query = "?" + url.Values{"return_to": {returnTo}}.Encode()
	}
	return s.page + query + "#email_token=" + token
}

func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	return fmt.Sprintf("%06d", n), err
}

// hashCode is under a key: a plain hash of six digits is guessed at once by
// whoever reads the table.
func (s *Service) hashCode(challenge identity.ID, code string) []byte {
	h := hmac.New(sha256.New, s.codeKey)
	h.Write(challenge[:])
	h.Write([]byte(code))
	return h.Sum(nil)
}
