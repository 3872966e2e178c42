// Package mail writes letters by templates and sends them by SMTP.
package mail

import (
	"context"
	"net/url"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/outbox"
)

// Message is a letter, ready to be sent.
type Message struct {
	ID      string // the same for every attempt to send it
	To      string // canonical
	Subject string
	Text    string
	HTML    string
}

// Sender sends one message. What no further attempt can mend is
// outbox.Permanent.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Handler returns what does identity.TaskMail. publicURL is how the letters
// call this service.
func Handler(sealer identity.Sealer, publicURL *url.URL, sender Sender) outbox.Handler {
	return func(ctx context.Context, t identity.Task) error {
		var letter identity.Mail
		if err := sealer.Open(t, &letter); err != nil {
			return outbox.Permanent(err)
		}
		m, err := compose(letter, publicURL.Host)
		if err != nil {
			return outbox.Permanent(err)
		}
		// A mail server that gets the same id twice can tell that it is one letter.
		m.ID = t.ID.String() + "@" + publicURL.Hostname()
		return sender.Send(ctx, m)
	}
}
