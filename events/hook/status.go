package hook

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/linking"
)

// keptFailures bounds the failures that a replica remembers of a hook.
const keptFailures = 10

// record is what a replica remembers of a hook's requests.
type record struct {
	mu               sync.Mutex
	requests, failed int64
	answeredAt       *time.Time
	failures         []identity.HookFailure // the newest first
}

// note remembers how a request that began then ended. One that the caller gave up says nothing about
// the application.
func (h *hook) note(ctx context.Context, began time.Time, err error) {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	if h.observe != nil {
		h.observe(h.kind, time.Since(began), err)
	}
	now := h.now()
	h.record.mu.Lock()
	defer h.record.mu.Unlock()
	h.record.requests++
	if err == nil {
		h.record.answeredAt = &now
		return
	}
	h.record.failed++
	h.record.failures = slices.Insert(h.record.failures, 0, identity.HookFailure{At: now, Error: err.Error()})
	h.record.failures = h.record.failures[:min(len(h.record.failures), keptFailures)]
}

// status of a hook that is configured.
func (h *hook) status() identity.HookStatus {
	h.record.mu.Lock()
	defer h.record.mu.Unlock()
	return identity.HookStatus{
		Type: h.kind, Origin: h.origin, FailOpen: h.failOpen, Secrets: h.secrets, Requests: h.record.requests, Failed: h.record.failed,
		AnsweredAt: h.record.answeredAt, Failures: slices.Clone(h.record.failures),
	}
}

// fingerprints name secrets, without saying anything about them.
func fingerprints(secrets []string) []string {
	out := make([]string, len(secrets))
	for i, s := range secrets {
		out[i] = identity.KeyID([]byte(strings.TrimPrefix(s, "whsec_")))
	}
	return out
}

// Hooks are those of a deployment, which operators look at.
type Hooks struct {
	SignIn linking.Hooks     // of NewSignIn, nil for none
	Token  token.ClaimSource // of NewToken, nil for none
}

// Status returns that of each hook, also of those that are not configured.
func (s Hooks) Status() []identity.HookStatus {
	out := []identity.HookStatus{{Type: typeSignIn}, {Type: typeUserCreate}, {Type: typeToken}}
	var configured []*hook
	if in, ok := s.SignIn.(*SignIn); ok {
		configured = append(configured, in.before, in.create)
	}
	if t, ok := s.Token.(*Token); ok {
		configured = append(configured, t.hook)
	}
	for _, h := range configured {
		if h != nil {
			out[slices.IndexFunc(out, func(s identity.HookStatus) bool { return s.Type == h.kind })] = h.status()
		}
	}
	return out
}
