package identity

// ErrExternalIDTaken is returned for an external id that cannot be given to a user.
func ErrExternalIDTaken() *Error {
	return NewError(CodeExternalIDTaken, "another user, or a former id of this one, has this external_id")
}
