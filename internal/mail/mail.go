// Package mail writes mails from templates and sends them by SMTP.
package mail

import (
	"context"
	"errors"
	"net/url"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/outbox"
)

// Message is a mail that is ready to be sent.
type Message struct {
	ID      string // the same for every attempt to send it
	To      string // canonical
	Subject string
	Text    string
	HTML    string
}

// Sender sends one message. An error that another attempt cannot fix is
// outbox.Permanent.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Writer returns the mail of a task, when it is about to be sent. It returns
// identity.ErrNotFound if the mail is no longer wanted.
type Writer func(ctx context.Context, t identity.Task) (identity.Mail, error)

// Sealed is the Writer of identity.TaskMail, whose payload is the mail. A mail that
// does not open is tried again: while the secret is rotated, another replica may have
// the key.
func Sealed(sealer identity.Sealer) Writer {
	return func(_ context.Context, t identity.Task) (letter identity.Mail, err error) {
		err = sealer.Open(t, &letter)
		return letter, err
	}
}

// Handler returns the handler that sends the mails of tasks.
func Handler(write Writer, publicURL *url.URL, brand Brand, sender Sender) outbox.Handler {
	return func(ctx context.Context, t identity.Task) error {
		letter, err := write(ctx, t)
		if errors.Is(err, identity.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		m, err := compose(letter, publicURL.Host, brand)
		if err != nil {
			return outbox.Permanent(err)
		}
		// A mail server that gets the same id again can drop the duplicate.
		m.ID = t.ID.String() + "@" + publicURL.Hostname()
		return sender.Send(ctx, m)
	}
}
