package storage

import "fmt"

// ErrConflict tells that a unique constraint refused a row.
type ErrConflict struct {
	Constraint string // PostgreSQL: its name; SQLite: its columns
	err        error
}

func (e *ErrConflict) Error() string { return fmt.Sprintf("conflict on %s: %v", e.Constraint, e.err) }

// Unwrap returns the driver's error.
func (e *ErrConflict) Unwrap() error { return e.err }

// ErrUnavailable tells that the database did not answer. Nothing may be
// concluded from it, least of all that something is allowed.
type ErrUnavailable struct{ err error }

func (e *ErrUnavailable) Error() string { return "database unavailable: " + e.err.Error() }

// Unwrap returns the driver's error.
func (e *ErrUnavailable) Unwrap() error { return e.err }

// Unavailable marks the error for those who must not import this package.
func (e *ErrUnavailable) Unavailable() bool { return true }

// retryError is a transaction that lost a race and may win the next. Outside of a
// transaction, where nothing runs again, it is as good as no answer.
type retryError struct{ err error }

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// Unavailable is that of ErrUnavailable.
func (e *retryError) Unavailable() bool { return true }
