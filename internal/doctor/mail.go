package doctor

import (
	"context"
	"fmt"

	"github.com/latchkey/latchkey/internal/mail"
)

// mail checks the mail server up to the point of sending: it connects, starts TLS
// and authenticates.
func (e *examination) mail(ctx context.Context) []Result {
	const name = "mail"
	switch {
	case e.cfg.MailEnabled():
	case e.cfg.Dev:
		return []Result{ok(name, "is kept in the development mailbox")}
	default:
		return []Result{ok(name, "is not configured, so e-mail sign-in is off")}
	}
	smtp, err := mail.NewSMTP(e.cfg.SMTP())
	if err == nil {
		err = smtp.Check(ctx)
	}
	if err != nil {
		return []Result{{name, Fail, fmt.Sprintf("%s cannot be used: %v", e.cfg.SMTPURL, err), "allow Latchkey to connect to it, or correct LATCHKEY_SMTP_URL"}}
	}
	return []Result{ok(name, "%s accepts our login", e.cfg.SMTPURL)}
}
