package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/outbox"
)

// smtpTimeout bounds connecting and every command, within the deadline of the
// whole attempt.
const smtpTimeout = 10 * time.Second

// SMTP sends through a mail server, with one connection for each message.
type SMTP struct {
	server  config.SMTP
	options []gomail.Option
}

// NewSMTP returns a sender. It does not connect yet.
func NewSMTP(server config.SMTP) (*SMTP, error) {
	s := &SMTP{server: server, options: []gomail.Option{
		gomail.WithPort(server.Port), gomail.WithTimeout(smtpTimeout), gomail.WithoutNoop(),
	}}
	switch server.TLS {
	case config.SMTPImplicit:
		s.options = append(s.options, gomail.WithSSL())
	case config.SMTPStartTLS:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case config.SMTPOffered:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if server.User != "" {
		auth := gomail.SMTPAuthAutoDiscover
		if server.TLS == config.SMTPOffered || server.TLS == config.SMTPClear {
			auth = gomail.SMTPAuthPlainNoEnc // on this machine only, see config
		}
		s.options = append(s.options, gomail.WithSMTPAuth(auth),
			gomail.WithUsername(server.User), gomail.WithPassword(server.Password.Reveal()))
	}
	_, err := s.client()
	return s, err
}

func (s *SMTP) client() (*gomail.Client, error) { return gomail.NewClient(s.server.Host, s.options...) }

// Check connects and authenticates, and sends nothing.
func (s *SMTP) Check(ctx context.Context) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return err
	}
	return c.Close()
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&s.server.From)
	if err := msg.To(m.To); err != nil {
		return outbox.Permanent(err)
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic replies
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	c, err := s.client()
	if err != nil {
		return err
	}
	err = c.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() {
		return nil // sending it again because of a later error would duplicate it
	}
	var failed *gomail.SendError
	if !errors.As(err, &failed) {
		return err
	}
	// The full error would put the recipient into the log.
	short := fmt.Errorf("the mail server refused it: %s (%d)", failed.Reason, failed.ErrorCode())
	if failed.ErrorCode() >= 500 && !failed.IsTemp() {
		return outbox.Permanent(short)
	}
	return short
}
