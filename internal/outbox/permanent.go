package outbox

import (
	"errors"
	"time"
)

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that another attempt cannot fix.
func Permanent(err error) error { return permanent{err} }

// IsPermanent reports whether an error is marked as permanent.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}

type postponed struct{ by time.Duration }

func (postponed) Error() string { return "postponed" }

// Postpone is returned by a handler that has not tried: its turn comes again after d,
// and no attempt is counted. The task still expires.
func Postpone(d time.Duration) error { return postponed{d} }
