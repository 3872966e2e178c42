// Package audit chains the audit trail by hashes, reads it, and proves that
// nothing in it was removed, changed, inserted or reordered. docs/audit.md
// describes the format.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/latchkey/latchkey/identity"
)

// Deployment is the chain of the events that belong to no team. A team's chain
// goes by the team's id.
var Deployment = identity.ID{}

// Version is of the format that is hashed.
const Version = 1

// Genesis is what the first event of a chain follows.
func Genesis() []byte { return make([]byte, sha256.Size) }

// Record is an event in its chain. One that is not chained yet has no Seq, nor
// hashes.
type Record struct {
	identity.Event
	Seq      *int64 // from 1, without gaps
	PrevHash []byte // Hash of the event before it in the chain
	Hash     []byte // Sum of this one
}

// Chain is the chain that an event belongs to.
func Chain(e identity.Event) identity.ID {
	if e.TeamID != nil {
		return *e.TeamID
	}
	return Deployment
}

// line is a record as it is exported, and, without its hash, hashed.
type line struct {
	Version   int             `json:"v"`
	Seq       *int64          `json:"seq"`
	ID        identity.ID     `json:"id"`
	At        time.Time       `json:"at"`
	Action    identity.Action `json:"action"`
	ActorID   *identity.ID    `json:"actor_id"`
	UserID    *identity.ID    `json:"user_id"`
	TeamID    *identity.ID    `json:"team_id"`
	SessionID *identity.ID    `json:"session_id"`
	IP        string          `json:"ip"`
	UserAgent string          `json:"user_agent"`
	Data      json.RawMessage `json:"data"`
	PrevHash  *string         `json:"prev_hash"`
	Hash      *string         `json:"hash,omitempty"`
}

func (r Record) line() (line, error) {
	data, err := r.Data.Value() // as the database keeps it
	if err != nil {
		return line{}, err
	}
	out := line{
		Version: Version, Seq: r.Seq, ID: r.ID, At: r.At.UTC().Truncate(time.Microsecond), Action: r.Action,
		ActorID: r.ActorID, UserID: r.UserID, TeamID: r.TeamID, SessionID: r.SessionID,
		IP: r.IP, UserAgent: r.UserAgent, Data: json.RawMessage(data.(string)),
	}
	if r.PrevHash != nil {
		out.PrevHash = new(hex.EncodeToString(r.PrevHash))
	}
	return out, nil
}

// Sum returns the hash of the record, whatever Hash holds: SHA-256 over its
// export without hash, in the canonical form of JSON (RFC 8785).
func (r Record) Sum() ([]byte, error) {
	if plain, ok := r.appendCanonical(make([]byte, 0, canonicalSize)); ok {
		h := sha256.Sum256(plain)
		return h[:], nil
	}
	return r.slowSum()
}

// slowSum is Sum for any record.
func (r Record) slowSum() ([]byte, error) {
	l, err := r.line()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return sum(raw)
}

func sum(raw []byte) ([]byte, error) {
	canonical, err := jcs.Transform(raw)
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(canonical)
	return h[:], nil
}

// MarshalJSON returns the record as one line of an export.
func (r Record) MarshalJSON() ([]byte, error) {
	l, err := r.line()
	if err != nil {
		return nil, err
	}
	if r.Hash != nil {
		l.Hash = new(hex.EncodeToString(r.Hash))
	}
	return json.Marshal(l)
}

// Follow returns the event as the one after seq and hash in its chain.
func Follow(e identity.Event, seq int64, hash []byte) (Record, error) {
	r := Record{Event: e, Seq: new(seq + 1), PrevHash: hash}
	var err error
	r.Hash, err = r.Sum()
	return r, err
}
