package linking

import (
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Service applies proofs.
type Service struct {
	store      Store
	sessions   Sessions
	policy     func(provider string) Policy
	rules      func(provider string) Rules
	hooks      Hooks
	grace      time.Duration
	erasedKeys erasedKeys
	usable     func(provider string) bool
	undoFor    time.Duration
	notices    identity.Notifier
	onDecision func(provider string, d Decision)
	now        identity.Clock
}

// Options are what a deployment chooses.
type Options struct {
	Policy Policy
	// Policies overrides Policy for proofs of a provider.
	Policies map[string]Policy
	// Rules decide who may create an account, and RulesFor does for proofs of a
	// provider instead.
	Rules    Rules
	RulesFor map[string]Rules
	Hooks    Hooks // asked before decisions are applied; nil for none
	// Usable reports whether a provider is configured, so that an identity of it
	// is a usable sign-in method.
	Usable func(provider string) bool
	Grace  time.Duration // how long a user who leaves can come back
	// ErasedKeys make the hashes that are left of the addresses of deleted users.
	ErasedKeys identity.Keys
	UndoFor    time.Duration // how long a merge can be undone
	Notices    identity.Notifier
	// Decided is called with each decision that was applied or recorded; nil for nothing.
	Decided func(provider string, d Decision)
}

// NewService returns the service over a store.
func NewService(store Store, sessions Sessions, o Options, now identity.Clock) *Service {
	policy := func(provider string) Policy {
		if p, ok := o.Policies[provider]; ok {
			return p
		}
		return o.Policy
	}
	rules := func(provider string) Rules {
		if r, ok := o.RulesFor[provider]; ok {
			return r
		}
		return o.Rules
	}
	onDecision := o.Decided
	if onDecision == nil {
		onDecision = func(string, Decision) {}
	}
	return &Service{store: store, sessions: sessions, onDecision: onDecision, policy: policy, rules: rules, hooks: o.Hooks, grace: o.Grace, erasedKeys: erasedKeys(o.ErasedKeys), usable: o.Usable, undoFor: o.UndoFor, notices: o.Notices, now: now}
}
