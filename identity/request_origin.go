package identity

// RequestOrigin is where a request came from, for sessions and the audit trail.
type RequestOrigin struct {
	IP        string
	UserAgent string
}
