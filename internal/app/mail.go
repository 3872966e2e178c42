package app

import (
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/emailproof"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/internal/mail"
	"github.com/latchkey/latchkey/internal/outbox"
)

// newEmail returns e-mail as a way in, nil where no mail can leave, and the
// worker that sends.
func newEmail(parts Parts, mailbox *devmode.Mailbox) (*emailproof.Service, *outbox.Worker, identity.Notifier, error) {
	sender, err := newSender(parts.Config, mailbox)
	if err != nil {
		return nil, nil, nil, err
	}
	if sender == nil {
		return nil, outbox.NewWorker(parts.DB, nil, parts.Log, parts.Now), identity.NoNotices{}, nil
	}
	secret, public := parts.Config.Secret.Reveal(), &parts.Config.PublicURL
	sealer := outboxSealer(parts.Config)
	worker := outbox.NewWorker(parts.DB, map[identity.TaskKind]outbox.Handler{
		identity.TaskMail: mail.Handler(sealer, public, sender),
	}, parts.Log, parts.Now)
	told := newNotices(parts.Config, parts.DB, worker.Wake)
	return emailproof.NewService(parts.DB, sealer, secret, public, worker.Wake, parts.Now), worker, told, nil
}

// newSender returns what mail leaves by: the mail server, the development
// mailbox, or nil for nothing.
func newSender(cfg config.Config, mailbox *devmode.Mailbox) (mail.Sender, error) {
	switch {
	case cfg.MailEnabled():
		return mail.NewSMTP(cfg.SMTP())
	case cfg.Dev:
		return mailbox, nil
	}
	return nil, nil
}
