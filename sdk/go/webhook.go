package latchkey

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxEventSize     = 1 << 20
	webhookTolerance = 5 * time.Minute
)

// VerifyWebhook returns the event that Latchkey sent to a webhook, after checking its
// signature (Standard Webhooks) by the secret of the webhook, whsec_… . Any of several
// signatures counts, so that a secret can be rotated. The error is ErrUnauthenticated:
// answer 401, and Latchkey sends it again. A secret that is not one is ErrUnavailable.
//
// Deliveries come at least once and in any order: drop an Event.ID that you have.
func VerifyWebhook(r *http.Request, secret string) (*Event, error) {
	return verifyWebhook(r, secret, time.Now())
}

func verifyWebhook(r *http.Request, secret string, now time.Time) (*Event, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return nil, unavailable("the secret of the webhook is not base64")
	}
	if r == nil || r.Body == nil {
		return nil, refused("the delivery has no body")
	}
	id, timestamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return nil, refused("the delivery has no webhook-id or webhook-timestamp")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > webhookTolerance || age < -webhookTolerance {
		return nil, refused("the delivery is of another time: its clock says %s", time.Unix(seconds, 0).UTC().Format(time.RFC3339))
	}
	// What no event can be is not read to its end.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEventSize+1))
	if err != nil {
		return nil, refused("the body: %w", err)
	}
	if len(body) > maxEventSize {
		return nil, refused("the body is too large")
	}
	// A handler further on can read it again.
	r.Body = io.NopCloser(bytes.NewReader(body))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	if !signedBy(r.Header.Get("webhook-signature"), mac.Sum(nil)) {
		return nil, refused("the signature of the delivery is not by this secret")
	}
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, refused("the event: %w", err)
	}
	return &e, nil
}

// signedBy reports whether one of the signatures of a header, "v1,base64 v1,base64", is
// the expected one.
func signedBy(header string, want []byte) bool {
	for signature := range strings.FieldsSeq(header) {
		version, encoded, _ := strings.Cut(signature, ",")
		if got, err := base64.StdEncoding.DecodeString(encoded); version == "v1" && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}

// Event is a change to a user, a team or a session.
type Event struct {
	ID         string    `json:"id"`   // the same when it is sent again
	Type       EventType `json:"type"` // ignore those that you do not know
	Seq        int64     `json:"seq"`  // orders events
	At         time.Time `json:"at"`
	APIVersion string    `json:"api_version"`
	Data       EventData `json:"data"`
}

// EventType says what has changed.
type EventType string

// The types of events.
const (
	UserCreated           EventType = "user.created"
	UserUpdated           EventType = "user.updated"
	UserSuspended         EventType = "user.suspended"
	UserRestored          EventType = "user.restored"
	UserMerged            EventType = "user.merged"
	UserMergeUndone       EventType = "user.merge_undone"
	UserDeletionRequested EventType = "user.deletion_requested"
	UserDeletionCancelled EventType = "user.deletion_cancelled"
	UserDeleted           EventType = "user.deleted"
	IdentityLinked        EventType = "identity.linked"
	IdentityUnlinked      EventType = "identity.unlinked"
	SessionCreated        EventType = "session.created"
	SessionEnded          EventType = "session.ended"
	TeamCreated           EventType = "team.created"
	TeamUpdated           EventType = "team.updated"
	TeamDeleted           EventType = "team.deleted"
	MemberAdded           EventType = "member.added"
	MemberRoleChanged     EventType = "member.role_changed"
	MemberRemoved         EventType = "member.removed"
	TeamSessionCreated    EventType = "team_session.created"
	TeamSessionRevoked    EventType = "team_session.revoked"
	InvitationCreated     EventType = "invitation.created"
	InvitationAccepted    EventType = "invitation.accepted"
	InvitationDeclined    EventType = "invitation.declined"
	InvitationCancelled   EventType = "invitation.cancelled"
	DuplicateFound        EventType = "duplicate.found"
	WebhookTest           EventType = "webhook.test"
)

// EventData is what an event says besides its type. Fields that the type does not have
// are zero.
type EventData struct {
	UserID  string `json:"user_id"` // whom it is about
	TeamID  string `json:"team_id"`
	ActorID string `json:"actor_id"` // who did it

	User           *EventUser `json:"user"` // of user.created, user.updated and user.restored
	MergeID        string     `json:"merge_id"`
	From           string     `json:"from"` // of user.merged: change rows with this id to Into
	Into           string     `json:"into"`
	DeletesAt      time.Time  `json:"deletes_at"`
	IdentityID     string     `json:"identity_id"`
	Provider       string     `json:"provider"`
	SessionID      string     `json:"session_id"`
	SessionIDs     []string   `json:"session_ids"`
	ClientID       string     `json:"client_id"`
	Reason         string     `json:"reason"`
	All            bool       `json:"all"`
	JobID          string     `json:"job_id"`
	Name           string     `json:"name"` // of the team
	Role           Role       `json:"role"`
	Before         Role       `json:"before"` // of member.role_changed
	Left           bool       `json:"left"`   // the member left by themselves
	TeamSessionID  string     `json:"team_session_id"`
	TeamSessionIDs []string   `json:"team_session_ids"`
	InvitationID   string     `json:"invitation_id"`
	Users          []string   `json:"users"` // of duplicate.found, two ids
	Kind           string     `json:"kind"`
	WebhookID      string     `json:"webhook_id"`

	Raw json.RawMessage `json:"-"` // all of it, as it was sent
}

// UnmarshalJSON implements [json.Unmarshaler].
func (d *EventData) UnmarshalJSON(b []byte) error {
	type plain EventData
	if err := json.Unmarshal(b, (*plain)(d)); err != nil {
		return err
	}
	d.Raw = bytes.Clone(b)
	return nil
}

// EventUser is a user as they were right after an event.
type EventUser struct {
	ID           string     `json:"id"`
	DisplayName  string     `json:"display_name"`
	PrimaryEmail string     `json:"primary_email"` // "" without a verified address
	Status       string     `json:"status"`
	ExternalID   string     `json:"external_id"`
	OnboardedAt  *time.Time `json:"onboarded_at"`
}
