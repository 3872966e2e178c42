package app

import (
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/email"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/internal/mail"
	"github.com/latchkey/latchkey/internal/outbox"
)

// post is all that has to do with mail.
type post struct {
	worker  *outbox.Worker // sends
	email   *email.Service // as a sign-in method; nil if no mail can be sent
	notices identity.Notifier
	teams   []team.Option // sends the mails of invitations
}

func newPost(parts Parts, mailbox *devmode.Mailbox, places func(ip string) string) (post, error) {
	sender, err := newSender(parts.Config, mailbox)
	if err != nil {
		return post{}, err
	}
	if sender == nil {
		return post{worker: outbox.NewWorker(parts.DB, nil, parts.Log, parts.Now), notices: identity.NoNotices{}}, nil
	}
	public, brand := &parts.Config.PublicURL, mailBrand(parts.Config)
	sealer := outboxSealer(parts.Config)
	invited := invitations{db: parts.DB, sealer: sealer, link: public.String() + "/account?invited", letter: team.NewService(parts.DB, parts.Now).InvitationMail}
	worker := outbox.NewWorker(parts.DB, map[identity.TaskKind]outbox.Handler{
		identity.TaskMail:       mail.Handler(mail.Sealed(sealer), public, brand, sender),
		identity.TaskInvitation: mail.Handler(invited.write, public, brand, sender),
	}, parts.Log, parts.Now, observeTasks(parts, identity.TaskMail, identity.TaskInvitation))
	invited.wake = worker.Wake
	return post{
		worker:  worker,
		email:   email.NewService(parts.DB, sealer, parts.Config.Secrets(), public, worker.Wake, parts.Now),
		notices: newNotices(parts.Config, parts.DB, places, worker.Wake),
		teams:   []team.Option{team.WithInvitationMailer(invited)},
	}, nil
}

// mailBrand is what mails call this service. Without a brand of its own it is known by its
// host.
func mailBrand(cfg config.Config) mail.Brand {
	brand := mail.Brand{Name: cfg.BrandName, Color: cfg.BrandColor}
	if brand.Name == config.DefaultBrandName {
		brand.Name = ""
	}
	return brand
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
