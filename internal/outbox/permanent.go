package outbox

import "errors"

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that another attempt cannot fix.
func Permanent(err error) error { return permanent{err} }

// IsPermanent reports whether an error is marked as permanent.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}
