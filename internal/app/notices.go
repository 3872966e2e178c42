package app

import (
	"context"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

// noticeLifetime is how long a mail server may be down before a notice is dropped.
const noticeLifetime = 3 * 24 * time.Hour

// notices writes notices to the outbox, in the transaction they tell of.
type notices struct {
	db     *storage.DB
	sealer identity.Sealer
	link   string
	places func(ip string) string // about where an address is; nil if that is not known
	wake   func()                 // those who send
}

// Notices returns a notifier for a program that sends no mail itself: a running
// service takes the mails from the outbox. It does nothing if no mail is configured.
func Notices(cfg config.Config, db *storage.DB) identity.Notifier {
	if !cfg.MailEnabled() {
		return identity.NoNotices{}
	}
	return newNotices(cfg, db, nil, func() {})
}

func newNotices(cfg config.Config, db *storage.DB, places func(ip string) string, wake func()) notices {
	return notices{db: db, sealer: outboxSealer(cfg), link: cfg.PublicURL.String() + "/account", places: places, wake: wake}
}

// outboxSealer seals and opens what waits in the outbox.
func outboxSealer(cfg config.Config) identity.Sealer {
	return identity.NewSealer(identity.Secrets(cfg.Secrets()).Keys(identity.OutboxUse)...)
}

// Notify implements identity.Notifier.
func (n notices) Notify(ctx context.Context, notice identity.Notice) error {
	var tasks []identity.Task
	for _, to := range notice.To {
		task, err := n.sealer.NewTask(identity.TaskMail, identity.Mail{To: to, Language: notice.Origin.Language, Template: identity.MailNotice, Data: map[string]string{
			"kind": string(notice.Kind), "what": notice.What, "at": notice.At.UTC().Format("2006-01-02 15:04 MST"), "from": n.from(notice.Origin), "link": n.link,
		}}, notice.At, notice.At.Add(noticeLifetime))
		if err != nil {
			return err
		}
		tasks = append(tasks, task)
	}
	if len(tasks) == 0 {
		return nil
	}
	n.db.AfterCommit(ctx, n.wake)
	return n.db.EnqueueTasks(ctx, tasks...)
}

// from says by which device and from where something was done, as the pages do; empty for
// the command line.
func (n notices) from(origin identity.RequestOrigin) string {
	var parts []string
	if origin.UserAgent != "" {
		parts = append(parts, identity.DeviceName(origin.UserAgent))
	}
	if origin.IP != "" {
		parts = append(parts, origin.IP)
	}
	if n.places != nil {
		if place := n.places(origin.IP); place != "" {
			parts = append(parts, place)
		}
	}
	return strings.Join(parts, ", ")
}
