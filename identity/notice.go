package identity

import (
	"context"
	"time"
)

// NoticeKind is what happened to an account that its owner should know.
type NoticeKind string

// The notices.
const (
	NoticeLinked      NoticeKind = "linked"       // a sign-in method was added
	NoticeUnlinked    NoticeKind = "unlinked"     // a sign-in method was removed
	NoticeLinkGranted NoticeKind = "link_granted" // an operator lets a sign-in method ask to be added
	NoticeMerged      NoticeKind = "merged"       // another account was merged into this one
	NoticeMergeUndone NoticeKind = "merge_undone" // a merge was undone
	// NoticeAddressRemoved goes to an address that is no longer the account's.
	NoticeAddressRemoved    NoticeKind = "address_removed"
	NoticePrimary           NoticeKind = "primary_email"      // another address is the primary one
	NoticeRecoveryUsed      NoticeKind = "recovery_used"      // somebody signed in with a recovery code
	NoticeDeletionRequested NoticeKind = "deletion_requested" // the account will be deleted
	NoticeDeletionCancelled NoticeKind = "deletion_cancelled" // and now it will not
	NoticeBreakGlass        NoticeKind = "break_glass"        // another owner used emergency access
	NoticeWebhookDisabled   NoticeKind = "webhook_disabled"   // to operators: no events are sent to it any more
)

// Notice tells the owner of an account what happened to it, when and from
// where. It goes to the addresses that the account had before the change, so that
// somebody who took it over is not the only one to receive it.
type Notice struct {
	Kind   NoticeKind
	To     []string // canonical
	What   string   // the sign-in method, address or gain it is about; may come from outside
	At     time.Time
	Origin RequestOrigin
}

// Notifier writes notices in the transaction of their change; they are sent after
// its commit.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// NoNotices is for deployments that send no mail.
type NoNotices struct{}

// Notify does nothing.
func (NoNotices) Notify(context.Context, Notice) error { return nil }
