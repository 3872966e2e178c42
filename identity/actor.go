package identity

import "time"

// Actor is the author of a change: a signed-in user with one session, from one
// place; or a service with its API key.
type Actor struct {
	UserID           ID   // zero for a service and for the command line
	SessionID        ID   // likewise
	KeyID            *ID  // of a service
	RecentlyVerified bool // a proof was given within session.RecentlyVerifiedFor
	Origin           RequestOrigin
}

// CommandLine is an operator at a shell of the machine, who is trusted with everything.
var CommandLine = Actor{RecentlyVerified: true}

// Event returns an audit event by this actor. For the command line it names no actor.
func (a Actor) Event(action Action, at time.Time) Event {
	e := Event{ID: NewID(), At: at, Action: action, ActorID: a.By(), IP: a.Origin.IP, UserAgent: a.Origin.UserAgent}
	switch {
	case a.KeyID != nil:
		e.ActorID = a.KeyID
	case e.ActorID != nil:
		e.SessionID = &a.SessionID
	}
	return e
}

// By returns the user who acts, to be stored with a change; nil for a service and for
// the command line.
func (a Actor) By() *ID {
	if a.UserID == (ID{}) {
		return nil
	}
	return &a.UserID
}

// RequirePerson refuses a service with CodeForbidden.
func (a Actor) RequirePerson() error {
	if a.KeyID != nil {
		return NewError(CodeForbidden, "API keys cannot make this call; use a session")
	}
	return nil
}

// RequireActsOn refuses, with CodeForbidden, an API key that would change an
// operator's account: a leaked key must not be used against
// those who can revoke it, nor to bring one of them back.
func (a Actor) RequireActsOn(u User) error {
	if a.KeyID != nil && u.Operator {
		return NewError(CodeForbidden, "API keys cannot change an operator's account; an operator must do this")
	}
	return nil
}

// RequireRecentlyVerified refuses with CodeReauthRequired unless the actor is recently verified.
func (a Actor) RequireRecentlyVerified() error {
	if !a.RecentlyVerified {
		return ErrReauthRequired()
	}
	return nil
}

// ErrReauthRequired asks the person to verify it's them (step_up).
func ErrReauthRequired() *Error {
	return NewError(CodeReauthRequired, "this requires a recent sign-in: verify it's you with one of your sign-in methods, then try again")
}

// Page asks for one page of a list that is ordered by id.
type Page struct {
	Limit int // at least 1
	After *ID // the last id of the page before; nil for the first page
}

// Next cuts rows, of which one more than the limit was read, to the page and
// returns the id after which the next one begins, or nil on the last.
func Next[T any](rows []T, p Page, id func(T) ID) ([]T, *ID) {
	if len(rows) <= p.Limit {
		return rows, nil
	}
	rows = rows[:p.Limit]
	last := id(rows[p.Limit-1])
	return rows, &last
}
