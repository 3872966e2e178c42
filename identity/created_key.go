package identity

import "time"

// CreatedKey is a working API key, as told of the user who created it: a key goes
// on when its creator loses the rights that they created it by, so the person who
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
