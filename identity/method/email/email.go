// Package email proves that somebody reads the mail of an address: it
// sends a link and a code, and turns either into an identity.Proof.
package email

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
	"github.com/latchkey/latchkey/identity/method"
)

// Lifetime is how long a link and a code work after their mail was sent.
const Lifetime = 10 * time.Minute

// How often codes are guessed at, whatever the deployment chose as rate limits. A
// code has six digits and works only in the browser that asked for it, so an attacker
// asks for mail to somebody else's address first and then guesses at that
// code, never at one that the owner was sent.
const (
	MaxWrongCodes = 5 // of one challenge; its link goes on working
	// WrongCodesADay are those of challenges for one address, counted for known
	// browsers and for all others apart. From then on new mails of that kind carry
	// a link alone: codes that were sent before keep working, and so do links.
	WrongCodesADay = 100
)

// Keep is how long challenges and mails are kept after they expired or were sent:
// they count for the limits.
const Keep = 24 * time.Hour

// Challenge is what a mail asks its receiver to prove. Token and code are kept
// as hashes only.
type Challenge struct {
	ID          identity.ID
	Address     string // canonical
	Purpose     identity.Purpose
	BrowserHash []byte
	Known       bool         // the browser was known to the address, or the user had it
	UserID      *identity.ID // who asked, where the purpose acts on a user
	SessionID   *identity.ID // and by which session
	TokenHash   []byte       // burned when either is redeemed
	CodeHash    []byte
	HasCode     bool         // else the mail carries a link alone
	MailID      *identity.ID // the shared mail that this challenge waits for; its link is the mail's
	WrongCodes  int
	CreatedAt   time.Time
	ExpiresAt   time.Time
	ReplacedAt  *time.Time // by a newer one of the same browser, purpose and address
}

// attempt returns the attempt that the challenge was begun for.
func (c Challenge) attempt() method.Attempt {
	by := method.Requester{Browser: c.BrowserHash, User: c.UserID, Session: c.SessionID}
	return method.Restore(method.ByEmail, identity.ProviderEmail, c.Purpose, by, c.ExpiresAt)
}

// redeemable reports whether the requester can redeem the challenge now, unless it was
// redeemed already: it must match its attempt, and no newer one may have replaced it.
func (c Challenge) redeemable(by Requester, now time.Time) bool {
	return c.ReplacedAt == nil && c.attempt().Matches(identity.ProviderEmail, by.Requester, now)
}

// Requester is who starts a challenge or redeems it.
type Requester struct {
	method.Requester
	Known   bool // the browser is known to the address, see KnownBrowser
	Crowded bool // its network has had its part of what strangers may send to the mailbox
	// Language is that of the mail.
	Language identity.Language
}

// Service starts and redeems challenges.
type Service struct {
	store       Store
	sealer      identity.Sealer
	codeKeys    identity.Keys
	knownKeys   identity.Keys
	mailboxKeys identity.Keys
	page        string
	wake        func()
	now         identity.Clock
}

// NewService returns the service over a store. secrets are the configured ones;
// publicURL is where the links lead; wake is called when there is mail to send.
func NewService(store Store, sealer identity.Sealer, secrets identity.Secrets, publicURL *url.URL, wake func(), now identity.Clock) *Service {
	return &Service{
		store: store, sealer: sealer, codeKeys: secrets.Keys("email code"),
		knownKeys: secrets.Keys("known browser"), mailboxKeys: secrets.Keys("mailbox"),
		page: publicURL.Scheme + "://" + publicURL.Host + "/sign-in", wake: wake, now: now,
	}
}

// Start sends a link and a code to an address. It neither asks nor reports whether
// somebody has the address here, except where the signed-in user is concerned:
// what it does, and so how long it takes, is the same. Where the mailbox has had
// its mail, the challenge waits for a shared one, see schedule. It returns when the
// challenge expires. returnTo has been checked, or is "".
func (s *Service) Start(ctx context.Context, email string, purpose identity.Purpose, returnTo string, by Requester) (expires time.Time, err error) {
	if _, err := method.Begin(method.ByEmail, identity.ProviderEmail, purpose, by.Requester, s.now()); err != nil {
		return time.Time{}, err
	}
	address, err := identity.CanonicalEmail(email)
	if err != nil {
		return time.Time{}, err
	}
	code, err := newCode()
	if err != nil {
		return time.Time{}, err
	}
	id := identity.NewID()
	token, tokenHash := identity.NewSecret()
	wake := false
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		now := s.now()
		wake = false
		if err := s.store.LockAddress(ctx, address); err != nil {
			return err
		}
		if by.User != nil && !by.Known {
			if by.Known, err = s.store.HasEmail(ctx, *by.User, address); err != nil {
				return err
			}
		}
		c := Challenge{
			ID: id, Address: address, Purpose: purpose, BrowserHash: by.Browser, Known: by.Known,
			TokenHash: tokenHash, CodeHash: hashCode(s.codeKeys.Primary(), id, code), CreatedAt: now,
		}
		if purpose.NeedsSession() {
			c.UserID, c.SessionID = by.User, by.Session
		}
		recent, err := s.store.Mails(ctx, s.hashesOfMailbox(address), now.Add(-mailWindow))
		if err != nil {
			return err
		}
		how := schedule(recent, by.Known, by.Crowded, now)
		how.language = by.Language
		c.ExpiresAt = how.leavesAt.Add(Lifetime)
		expires = c.ExpiresAt
		wake = !how.leavesAt.After(now)
		if how.shared {
			return s.wait(ctx, c, how)
		}
		return s.send(ctx, c, how, token, code, returnTo)
	})
	if err != nil {
		return time.Time{}, err
	}
	if wake {
		s.wake()
	}
	return expires, nil
}

// send has a mail written for one challenge, which replaces the older ones of its
// browser.
func (s *Service) send(ctx context.Context, c Challenge, how sending, token, code, returnTo string) error {
	wrong, err := s.store.CountWrongCodes(ctx, c.Address, c.Known, c.CreatedAt.Add(-Keep))
	if err != nil {
		return err
	}
	if c.HasCode = wrong < WrongCodesADay; !c.HasCode {
		code = ""
	}
	task, err := s.mail(c, string(c.Purpose), s.link(token, returnTo), code, how)
	if err != nil {
		return err
	}
	if err := s.store.ReplaceChallenges(ctx, c, c.CreatedAt); err != nil {
		return err
	}
	if err := s.store.InsertChallenge(ctx, c); err != nil {
		return err
	}
	m := Mail{ID: identity.NewID(), Mailbox: hashMailbox(s.mailboxKeys.Primary(), c.Address), Known: how.known, LeavesAt: how.leavesAt}
	if err := s.store.InsertMail(ctx, m); err != nil {
		return err
	}
	return s.store.EnqueueTasks(ctx, task)
}

// wait has a challenge wait for a shared mail, which is written unless there is
// one. What the browser was sent before goes on working. A shared mail has no code:
// the wrong guesses of every stranger who waited would be guesses at the owner's.
func (s *Service) wait(ctx context.Context, c Challenge, how sending) error {
	if how.join != nil {
		open, err := s.store.OpenChallenges(ctx, c.Address, c.BrowserHash, c.CreatedAt)
		if err != nil {
			return err
		}
		for _, o := range open {
			if o.MailID != nil && *o.MailID == how.join.ID && o.attempt().Bound == c.attempt().Bound {
				return nil // this browser waits already
			}
		}
		c.MailID = &how.join.ID
		return s.store.InsertChallenge(ctx, c)
	}
	token, tokenHash := identity.NewSecret()
	m := Mail{ID: identity.NewID(), Mailbox: hashMailbox(s.mailboxKeys.Primary(), c.Address), TokenHash: tokenHash, LeavesAt: how.leavesAt}
	task, err := s.mail(c, purposeAny, s.link(token, ""), "", how)
	if err != nil {
		return err
	}
	if err := s.store.InsertMail(ctx, m); err != nil {
		return err
	}
	c.MailID = &m.ID
	if err := s.store.InsertChallenge(ctx, c); err != nil {
		return err
	}
	return s.store.EnqueueTasks(ctx, task)
}

// purposeAny is what a shared mail says it is for.
const purposeAny = "any"

// mail returns the task that sends a mail, due when it leaves.
func (s *Service) mail(c Challenge, purpose, link, code string, how sending) (identity.Task, error) {
	task, err := s.sealer.NewTask(identity.TaskMail, identity.Mail{To: c.Address, Language: how.language, Template: identity.MailProof, Data: map[string]string{
		"purpose": purpose, "link": link, "code": code, "minutes": strconv.Itoa(int(Lifetime.Minutes())),
	}}, c.CreatedAt, c.ExpiresAt)
	task.NextAttemptAt = how.leavesAt
	return task, err
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

// hashCode is under a key: a reader of the table would guess a plain hash of six digits
// at once.
func hashCode(key []byte, challenge identity.ID, code string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(challenge[:])
	h.Write([]byte(code))
	return h.Sum(nil)
}

// hashMailbox names a mailbox among the mails that were sent: they are kept after
// the user has gone, and need not say whose they were.
func hashMailbox(key []byte, address string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(address))
	return h.Sum(nil)
}

// hashesOfMailbox are the names that a mailbox has while the secret is rotated.
func (s *Service) hashesOfMailbox(address string) [][]byte {
	out := make([][]byte, len(s.mailboxKeys))
	for i, key := range s.mailboxKeys {
		out[i] = hashMailbox(key, address)
	}
	return out
}
