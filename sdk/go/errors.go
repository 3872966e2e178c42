package latchkey

import (
	"errors"
	"fmt"
)

var (
	// ErrUnauthenticated is a request without a token, or with one that is forged,
	// expired, for another service or otherwise refused. Answer 401.
	ErrUnauthenticated = errors.New("latchkey: unauthenticated")

	// ErrUnavailable is a token that could not be checked, because Latchkey does not
	// answer or because the verifier is not configured. Answer 503, never 401: the
	// client would sign the person in again, which does not help.
	ErrUnavailable = errors.New("latchkey: unavailable")

	// ErrForbidden is a user or a machine without the role or scope that is
	// required. Answer 403.
	ErrForbidden = errors.New("latchkey: forbidden")

	// ErrMachine is the token of a machine, a team's API key, where a user is
	// required. It is an ErrUnauthenticated as well; the middleware answers 403, since
	// another token of the key would not help.
	ErrMachine = fmt.Errorf("%w: the token is of a machine, not of a user", ErrUnauthenticated)

	errNoToken = fmt.Errorf("%w: no bearer token", ErrUnauthenticated)
)

// refused returns an ErrUnauthenticated that says why. The client is not shown it.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnauthenticated, fmt.Errorf(format, args...))
}

func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnavailable, fmt.Errorf(format, args...))
}
