package app

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/outbox"
	"github.com/latchkey/latchkey/storage"
)

// noticeLifetime is how long a mail server may be away before a notice is news
// no more.
const noticeLifetime = 3 * 24 * time.Hour

// notices writes notices to the outbox, in the transaction they tell of.
type notices struct {
	db     *storage.DB
	sealer identity.Sealer
	tasks  *outbox.Worker
	link   string
}

// Notify implements identity.Notifier.
func (n notices) Notify(ctx context.Context, notice identity.Notice) error {
	from := notice.Client.IP
	if notice.Client.UserAgent != "" {
		from += ", " + notice.Client.UserAgent
	}
	var tasks []identity.Task
	for _, to := range notice.To {
		task, err := n.sealer.NewTask(identity.TaskMail, identity.Mail{To: to, Template: identity.MailNotice, Data: map[string]string{
			"kind": string(notice.Kind), "what": notice.What, "at": notice.At.UTC().Format("2006-01-02 15:04 MST"), "from": from, "link": n.link,
		}}, notice.At, notice.At.Add(noticeLifetime))
		if err != nil {
			return err
		}
		tasks = append(tasks, task)
	}
	if len(tasks) == 0 {
		return nil
	}
	n.db.AfterCommit(ctx, n.tasks.Wake)
	return n.db.EnqueueTasks(ctx, tasks...)
}
