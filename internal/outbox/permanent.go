package outbox

import "errors"

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that no further attempt can mend.
func Permanent(err error) error { return permanent{err} }

// IsPermanent reports whether an error is so marked.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}
