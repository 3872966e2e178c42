package api

import (
	"encoding/hex"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/email"
	"github.com/latchkey/latchkey/internal/ratelimit"
)

// The limits of mail and of guesses at its codes. Browsers that are known to the
// address have their own, which no stranger uses up; the rest are charged to the
// browser, to its network and, for guesses, to the deployment. No address is
// locked: package email decides how much a mailbox gets, and refuses no
// request.
var (
	perMailKnown   = policy{"mail_known", ratelimit.Limit{Quota: 20, Window: time.Hour}}          // known browsers of an address
	perMailBrowser = policy{"mail_browser", ratelimit.Limit{Quota: 15, Window: 10 * time.Minute}} // a browser, for any address
	// A network at one mailbox. Past it nothing is refused: its mails wait, so that
	// one network does not use up what all strangers may send at once.
	perMailCrowd = policy{"mail_crowd", ratelimit.Limit{Quota: 4, Window: time.Hour}}

	// Wrong codes. 120 an hour are 3000 a day at most, of a million each.
	perGuessKnown   = policy{"guess_known", ratelimit.Limit{Quota: 20, Window: time.Hour}}
	perGuessBrowser = policy{"guess_browser", ratelimit.Limit{Quota: 10, Window: time.Hour}}
	perGuessNetwork = policy{"guess_network", ratelimit.Limit{Quota: 20, Window: time.Hour}}
	perGuessAll     = policy{"guess", ratelimit.Limit{Quota: 120, Window: time.Hour}}
)

// limitMail counts a request for mail and notes in by whether the browser is known
// to the address and whether its network crowds the mailbox.
func (s *Server) limitMail(c *gin.Context, raw string, by *email.Requester) error {
	info := requestInfoOf(c)
	address, err := identity.CanonicalEmail(raw)
	if err != nil {
		return info.overLimit // else Start refuses it
	}
	if s.knownBrowser(c).To(address, s.Now()) && s.spare(c, perMailKnown, address) {
		by.Known = true
		return nil
	}
	if info.overLimit != nil {
		return info.overLimit
	}
	if by.Browser != nil {
		if err := s.consumeLimit(c, perMailBrowser, hex.EncodeToString(by.Browser)); err != nil {
			return err
		}
	}
	by.Crowded = !s.isExempt(c) && !s.spare(c, perMailCrowd, network(info.addr)+" "+address)
	return nil
}

// chargeGuess counts a code that is about to be compared as a wrong one; giveBack
// takes that back. It is counted first so that many at once are not more than one
// after the other.
func (s *Server) chargeGuess(c *gin.Context, guessed email.Challenge) (giveBack func(), err error) {
	type charge struct {
		policy
		key string
	}
	charges := []charge{{perGuessBrowser, hex.EncodeToString(guessed.BrowserHash)}}
	if !s.isExempt(c) {
		charges = append(charges, charge{perGuessNetwork, network(requestInfoOf(c).addr)})
	}
	charges = append(charges, charge{perGuessAll, ""})
	if guessed.Known {
		charges = []charge{{perGuessKnown, guessed.Address}}
	}
	var made []charge
	giveBack = func() {
		for _, x := range made {
			s.giveBack(c, x.policy, x.key)
		}
	}
	for _, x := range charges {
		if err := s.consumeLimit(c, x.policy, x.key); err != nil {
			giveBack()
			refused := refusal(err)
			refused.Detail = "too many wrong codes; open the link in the mail, or try again later"
			return nil, refused
		}
		made = append(made, x)
	}
	return giveBack, nil
}

// knownBrowser reads which addresses the browser has signed in with.
func (s *Server) knownBrowser(c *gin.Context) email.KnownBrowser {
	cookie, err := c.Request.Cookie(s.cookies.known())
	if err != nil {
		return s.Email.KnownBrowser("")
	}
	return s.Email.KnownBrowser(cookie.Value)
}

// rememberBrowser has the browser known to the addresses it has just signed in
// with: the one that was proved by mail, and the user's primary one.
func (s *Server) rememberBrowser(c *gin.Context, proof identity.Proof, user identity.User) {
	if s.Email == nil {
		return
	}
	var addresses []string
	if proof.Provider == identity.ProviderEmail {
		addresses = append(addresses, proof.Subject)
	}
	if p := user.PrimaryEmail; p != nil && *p != proof.Subject {
		addresses = append(addresses, *p)
	}
	if len(addresses) > 0 {
		s.cookies.set(c, s.cookies.known(), s.knownBrowser(c).With(s.Now(), addresses...).String(), email.KnownFor)
	}
}
