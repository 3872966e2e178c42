package identity

import (
	"context"
	"time"
)

// NoticeKind is what happened to an account that its owner should hear of.
type NoticeKind string

// The notices.
const (
	NoticeLinked      NoticeKind = "linked"       // a way in was added
	NoticeUnlinked    NoticeKind = "unlinked"     // a way in was taken off
	NoticeMerged      NoticeKind = "merged"       // another account became one with this
	NoticeMergeUndone NoticeKind = "merge_undone" // and was taken apart again
	// NoticeAddressRemoved goes to an address that is no longer the account's.
	NoticeAddressRemoved NoticeKind = "address_removed"
	NoticePrimary        NoticeKind = "primary_email" // another address is the primary one
	NoticeRecoveryUsed   NoticeKind = "recovery_used" // somebody came in by a recovery code
	NoticeBreakGlass     NoticeKind = "break_glass"   // another owner went into a team against its policy
)

// Notice tells the owner of an account what was done to it, when and from
// where. It goes to the addresses that the account had before: whoever took it
// over must not be the only one to hear.
type Notice struct {
	Kind   NoticeKind
	To     []string // canonical
	What   string   // the way in, address or gain it is about; may come from outside
	At     time.Time
	Client Client
}

// Notifier puts notices into the transaction they tell of; they are sent after
// its commit.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// NoNotices is for deployments that send no mail.
type NoNotices struct{}

// Notify does nothing.
func (NoNotices) Notify(context.Context, Notice) error { return nil }
