package email

import (
	"time"

	"github.com/latchkey/latchkey/identity"
)

// How much mail one mailbox gets. Browsers known to it (see KnownBrowser) have a
// share that strangers cannot use up. What strangers cause beyond theirs is not
// dropped: it waits for a shared mail, whose one link works in every browser that
// waited for it. So no number of strangers, from however many networks, keeps an
// unknown browser of the owner from getting a link within MaxWait, and the mailbox
// gets a bounded amount all the same.
const (
	KnownMails    = 10 // an hour, at once, to known browsers
	StrangerMails = 10 // an hour, at once, to all others together

	// The time between shared mails: the shorter one for the first of an hour.
	MinWait = time.Minute
	MaxWait = 5 * time.Minute

	quickShared = 5 // shared mails of an hour that are MinWait apart
	mailWindow  = time.Hour
)

// Mail is one mail to a mailbox, sent or waiting to be. It outlives the challenge
// it was written for, and the user who asked, so that neither gives mail back.
type Mail struct {
	ID        identity.ID
	Mailbox   []byte // keyed hash of the address
	Known     bool   // of the share of known browsers
	TokenHash []byte // of the link, where it is shared by all who wait for this mail; else nil
	LeavesAt  time.Time
}

// Shared reports whether the mail's link works in every browser that waited for it.
func (m Mail) Shared() bool { return m.TokenHash != nil }

// sending is how a challenge gets its mail.
type sending struct {
	known    bool      // counts against the share of known browsers
	shared   bool      // waits for a shared mail
	join     *Mail     // which is there already
	leavesAt time.Time // now unless shared
	language identity.Language
}

// schedule decides when a mail leaves. recent are the mailbox's mails of the last
// mailWindow, those that wait included. crowded means that the network asking has
// had its part of the strangers' share.
func schedule(recent []Mail, known, crowded bool, now time.Time) sending {
	var toKnown, toStrangers, shared int
	var last *Mail // shared
	for i, m := range recent {
		if m.Known {
			toKnown++
			continue
		}
		toStrangers++
		if m.Shared() {
			shared++
			if last == nil || m.LeavesAt.After(last.LeavesAt) {
				last = &recent[i]
			}
		}
	}
	switch {
	case known && toKnown < KnownMails:
		return sending{known: true, leavesAt: now}
	case !crowded && toStrangers < StrangerMails:
		return sending{leavesAt: now}
	case last == nil:
		return sending{shared: true, leavesAt: now}
	case last.LeavesAt.After(now):
		return sending{shared: true, join: last, leavesAt: last.LeavesAt}
	}
	wait := MaxWait
	if shared < quickShared {
		wait = MinWait
	}
	at := last.LeavesAt.Add(wait)
	if at.Before(now) {
		at = now
	}
	return sending{shared: true, leavesAt: at}
}
