package identity

import "time"

// CreatedKey is an active API key, as listed for the user who created it: a key
// keeps working when its creator loses the rights they created it with, so the person who
// takes them decides about the keys, too.
type CreatedKey struct {
	ID        ID
	Prefix    string
	Name      string
	TeamID    *ID // nil for a key of the deployment
	ExpiresAt time.Time
}

// Revoked is the event that an actor ended the key, and why.
func (k CreatedKey) Revoked(actor Actor, reason string, at time.Time) Event {
	e := actor.Event(ActionAPIKeyRevoked, at)
	e.TeamID = k.TeamID
	e.Data = Metadata{"api_key_id": k.ID, "prefix": k.Prefix, "name": k.Name, "expires_at": k.ExpiresAt, "reason": reason}
	return e
}

// KeyIDs lists the ids of keys.
func KeyIDs(keys []CreatedKey) []ID {
	out := make([]ID, len(keys))
	for i, k := range keys {
		out[i] = k.ID
	}
	return out
}
