// Package webhook keeps the endpoints of applications that events are pushed to, and
// what became of each delivery. Package events/webhook delivers.
package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/feed"
)

const (
	// DefaultOverlap is how long the secret before signs after a rotation.
	DefaultOverlap = 24 * time.Hour
	// MaxOverlap is the longest overlap that can be asked for.
	MaxOverlap = 30 * 24 * time.Hour
	// KeepDeliveries is how long the log of deliveries is kept.
	KeepDeliveries = 30 * 24 * time.Hour
	// GiveUpAfter is how long a webhook may fail before it is disabled.
	GiveUpAfter = 5 * 24 * time.Hour
	// quiet is a time without attempts that ends a series of failures, longer than between
	// any two attempts of a delivery: about a time when nothing was sent, nothing is known.
	quiet = 30 * time.Hour
	// failedAtStep is how exactly the latest failure is kept, so that a webhook that fails
	// is not written with each attempt.
	failedAtStep = time.Hour

	maxWebhooks    = 100
	maxURL         = 2000
	maxDescription = 200
	secretBytes    = 24
	secretPrefix   = "whsec_"
)

// Status says whether a webhook is sent events.
type Status string

// The statuses.
const (
	Enabled  Status = "enabled"
	Disabled Status = "disabled"
)

// Why a webhook is disabled.
const (
	ByHand  = "by_hand"
	Gone    = "gone"    // it answered 410
	Failing = "failing" // for GiveUpAfter
)

// Webhook is an endpoint of an application.
type Webhook struct {
	ID                  identity.ID
	URL                 string
	Description         string
	Types               identity.Words // of events; none for all
	Status              Status
	DisabledReason      string // "" while enabled
	Secret              []byte // sealed
	PreviousSecret      []byte // sealed; signs as well, until then
	PreviousSecretUntil *time.Time
	FailingSince        *time.Time // the first failure after the latest success, or after a pause
	FailedAt            *time.Time // the latest failure, to the hour
	CreatedBy           *identity.ID
	CreatedAt           time.Time
	UpdatedAt           time.Time
}

// Wants reports whether an event is sent to the webhook.
func (w Webhook) Wants(e feed.Event) bool {
	if e.Type == feed.Test {
		id, _ := e.Data["webhook_id"].(string)
		return id == w.ID.String()
	}
	return len(w.Types) == 0 || slices.Contains(w.Types, string(e.Type))
}

// attempted notes what an attempt came to, and reports whether that is to be kept.
func (w *Webhook) attempted(d Delivery) bool {
	at := d.AttemptedAt
	switch {
	case d.Status == Delivered:
		failed := w.FailingSince != nil
		w.FailingSince, w.FailedAt = nil, nil
		return failed
	case w.FailingSince == nil, w.FailedAt == nil, at.Sub(*w.FailedAt) > quiet:
		w.FailingSince, w.FailedAt = at, at
		return true
	case at.Sub(*w.FailedAt) >= failedAtStep:
		w.FailedAt = at
		return true
	}
	return false
}

// DeliveryStatus is how far a delivery is.
type DeliveryStatus string

// The statuses of deliveries.
const (
	Pending   DeliveryStatus = "pending"
	Delivered DeliveryStatus = "delivered"
	Failed    DeliveryStatus = "failed" // and is not tried again
)

// Delivery is an event for a webhook.
type Delivery struct {
	ID            identity.ID
	WebhookID     identity.ID
	Seq           int64 // of the event
	Status        DeliveryStatus
	Attempts      int
	CreatedAt     time.Time
	NextAttemptAt time.Time

	// Of the latest attempt.
	AttemptedAt    *time.Time
	DurationMs     int
	ResponseStatus int    // 0 without an answer
	ResponseBody   string // its beginning
	Error          string
}

// NewDelivery is of an event that is to be sent at once.
func NewDelivery(webhook identity.ID, seq int64, now time.Time) Delivery {
	return Delivery{ID: identity.NewID(), WebhookID: webhook, Seq: seq, Status: Pending, CreatedAt: now, NextAttemptAt: now}
}

// EventDelivery is a delivery with its event.
type EventDelivery struct {
	Delivery
	Event feed.Event
}

func newSecret() string {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

// sealedFor is the context in which the secrets of a webhook are sealed.
func sealedFor(id identity.ID) []byte { return append([]byte("webhook"), id[:]...) }

func invalid(field, detail string) error {
	return identity.NewError(identity.CodeInvalidRequest, "%s", detail).WithField(field)
}

func (w *Webhook) validate(overHTTP func(u *url.URL) bool) error {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || len(w.URL) > maxURL || u.Scheme != "https" && u.Scheme != "http":
		return invalid("url", "want an https URL")
	case u.User != nil || u.Fragment != "":
		return invalid("url", "want a URL without a user name, a password and a fragment")
	case u.Scheme == "http" && !overHTTP(u):
		return invalid("url", "want https; an operator can allow http for a host by LATCHKEY_WEBHOOK_ALLOWED_HOSTS")
	case len([]rune(w.Description)) > maxDescription:
		return invalid("description", "want at most 200 characters")
	}
	w.Types = identity.Words{}.With(w.Types)
	for _, t := range w.Types {
		if !slices.Contains(feed.Types, feed.Type(t)) {
			return identity.NewError(identity.CodeInvalidRequest, "there are no events of the type %q", t).WithField("types")
		}
	}
	return nil
}
