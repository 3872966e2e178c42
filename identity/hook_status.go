package identity

import "time"

// HookStatus is how a hook of the application is configured, and how it has done on
// this replica since the replica started.
type HookStatus struct {
	Type       string
	Origin     string // of its URL, in whose path may be a secret; "" if it is not configured
	FailOpen   bool
	Secrets    []string // fingerprints
	Requests   int64
	Failed     int64 // of Requests
	AnsweredAt *time.Time
	Failures   []HookFailure // the newest, newest first
}

// HookFailure is a request to a hook without an answer that could be used.
type HookFailure struct {
	At    time.Time
	Error string
}
