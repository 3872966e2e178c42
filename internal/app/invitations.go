package app

import (
	"context"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/storage"
)

// invitations sends the mails of invitations. Only the invitation's id waits in the
// outbox: the mail is composed when it is sent.
type invitations struct {
	db     *storage.DB
	sealer identity.Sealer
	link   string // the page where they are accepted, after signing in; it grants nothing
	letter func(ctx context.Context, id identity.ID) (team.InvitationMail, error)
	wake   func() // those who send
}

type invited struct {
	Invitation identity.ID       `json:"invitation"`
	Language   identity.Language `json:"language,omitempty"`
}

// Announce implements team.InvitationMailer.
func (n invitations) Announce(ctx context.Context, i team.Invitation, language identity.Language) error {
	task, err := n.sealer.NewTask(identity.TaskInvitation, invited{i.ID, language}, i.CreatedAt, i.ExpiresAt)
	if err != nil {
		return err
	}
	n.db.AfterCommit(ctx, n.wake)
	return n.db.EnqueueTasks(ctx, task)
}

// write is a mail.Writer.
func (n invitations) write(ctx context.Context, t identity.Task) (identity.Mail, error) {
	var payload invited
	if err := n.sealer.Open(t, &payload); err != nil {
		return identity.Mail{}, err // not permanent, as in mail.Sealed
	}
	l, err := n.letter(ctx, payload.Invitation)
	return identity.Mail{To: l.To, Language: payload.Language, Template: identity.MailInvitation, Data: map[string]string{
		"team": l.TeamName, "role": string(l.Role), "until": l.Until.UTC().Format("2006-01-02 15:04 MST"), "link": n.link,
	}}, err
}
