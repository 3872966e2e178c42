package authserver

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
)

// Store keeps what the authorization server needs. Changes run in the transaction that
// InTx opened; rows that do not exist are identity.ErrNotFound.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error)
	LockSession(ctx context.Context, id identity.ID) (session.Session, error)
	// EndSessions is that of session.Store.
	EndSessions(ctx context.Context, user identity.ID, which session.SessionSelector, reason string, at time.Time) ([]identity.ID, error)

	// Client, HoldClient, ClientGrant and ClientGrantByID are those of client.Store.
	Client(ctx context.Context, id string) (client.Client, error)
	HoldClient(ctx context.Context, id string) (client.Client, error)
	ClientGrant(ctx context.Context, user identity.ID, client string, team *identity.ID) (client.Grant, error)
	ClientGrantByID(ctx context.Context, id identity.ID) (client.Grant, error)
	// Resources is that of client.Store.
	Resources(ctx context.Context) ([]client.Resource, error)

	// NoteSubject notes that a client knows a user.
	NoteSubject(ctx context.Context, client string, user identity.ID, at time.Time) error
	// FormerSubjects returns the former ids of a user that the client knows.
	FormerSubjects(ctx context.Context, client string, user identity.ID) ([]identity.ID, error)
	// User returns a user with all that is kept of them. A principal's has no application
	// metadata.
	User(ctx context.Context, id identity.ID) (identity.User, error)
	// WalletsOf returns a user's wallets, the primary one first.
	WalletsOf(ctx context.Context, user identity.ID) ([]identity.Wallet, error)
	// TeamName returns the name of a team.
	TeamName(ctx context.Context, id identity.ID) (string, error)
	RecordEvents(ctx context.Context, events ...identity.Event) error

	InsertDeviceRequest(ctx context.Context, d DeviceRequest) error
	// UpdateDeviceRequest writes when it was polled, what was decided and when it was used.
	UpdateDeviceRequest(ctx context.Context, d DeviceRequest) error
	// DeviceRequest returns a request by the hash of the device's code.
	DeviceRequest(ctx context.Context, deviceHash []byte) (DeviceRequest, error)
	// DeviceRequestByUserCode returns the request that has one of the MACs.
	DeviceRequestByUserCode(ctx context.Context, macs [][]byte) (DeviceRequest, error)
	LockDeviceRequest(ctx context.Context, id identity.ID) (DeviceRequest, error)
}

// Sessions is what the authorization server asks of sessions.
type Sessions interface {
	IssueApplication(ctx context.Context, n session.NewApplication) (session.Principal, error)
	RequireIn(ctx context.Context, p session.Principal, origin identity.RequestOrigin, team identity.ID, changes bool) error
}

// Consents keeps what people agree to.
type Consents interface {
	Agree(ctx context.Context, actor identity.Actor, c client.Consent) (client.Grant, error)
	Used(ctx context.Context, g client.Grant) error
}

// Documents fetches what clients publish about themselves, as client.Documents does.
type Documents interface {
	Takes(id string) bool
	Get(ctx context.Context, id string, user identity.ID, begins bool) (client.Document, error)
}

// APIKeys checks the keys of teams.
type APIKeys interface {
	Authenticate(ctx context.Context, raw string) (apikey.Key, error)
}

// Deps are the parts that the service puts to work.
type Deps struct {
	Store    Store
	Sessions Sessions
	Tokens   *token.Service
	Consents Consents
	// Documents are those of clients that describe themselves.
	Documents Documents
	APIKeys   APIKeys
	Secrets   identity.Secrets
	Issuer    string // the public URL
	Now       identity.Clock
}

// Service is the authorization server.
type Service struct {
	store     Store
	sessions  Sessions
	tokens    *token.Service
	consents  Consents
	documents Documents
	keys      APIKeys
	sealer    identity.Sealer
	issuer    string
	now       identity.Clock

	userCodeKeys identity.Keys
}

// New returns the service.
func New(d Deps) *Service {
	return &Service{
		store: d.Store, sessions: d.Sessions, tokens: d.Tokens, consents: d.Consents, documents: d.Documents, keys: d.APIKeys,
		sealer: identity.NewSealer(d.Secrets.Keys("authorization server")...), issuer: d.Issuer, now: d.Now,
		userCodeKeys: d.Secrets.Keys("user codes of devices"),
	}
}
