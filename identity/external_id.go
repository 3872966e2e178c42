package identity

import (
	"errors"
	"strings"
)

// maxExternalID is how long an application's own id of a user may be, in characters.
const maxExternalID = 255

// CheckExternalID refuses what cannot be an application's own id of a user.
func CheckExternalID(id string) error {
	if !IsLine(id, maxExternalID) || strings.TrimSpace(id) != id {
		return NewError(CodeInvalidRequest, "an external_id has no control characters and no space at its ends").WithField("external_id")
	}
	return nil
}

// CheckAppMetadata is CheckMetadata for what only the application writes; nil is none.
func CheckAppMetadata(m Metadata) error {
	if m == nil {
		return nil
	}
	err := CheckMetadata(m)
	if e, ok := errors.AsType[*Error](err); ok {
		return e.WithField("app_metadata")
	}
	return err
}

// ErrExternalIDTaken is returned for an external id that cannot be given to a user.
func ErrExternalIDTaken() *Error {
	return NewError(CodeExternalIDTaken, "another user, or a former id of this one, has this external_id")
}
