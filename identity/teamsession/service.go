package teamsession

import (
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// Service starts and ends team sessions.
type Service struct {
	store    Store
	sessions *session.Service
	now      identity.Clock
	usable   func(provider string) bool
	notices  identity.Notifier
}

// Option changes what a service does by default.
type Option func(s *Service)

// WithProviders sets which providers are usable sign-in methods; by default all are.
func WithProviders(usable func(provider string) bool) Option {
	return func(s *Service) { s.usable = usable }
}

// WithNotices has notices sent; by default none are.
func WithNotices(n identity.Notifier) Option { return func(s *Service) { s.notices = n } }

// NewService returns the service over a store, of the sessions that act in teams.
func NewService(store Store, sessions *session.Service, now identity.Clock, options ...Option) *Service {
	s := &Service{store: store, sessions: sessions, now: now, usable: func(string) bool { return true }, notices: identity.NoNotices{}}
	for _, o := range options {
		o(s)
	}
	return s
}
