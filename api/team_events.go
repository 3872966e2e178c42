package api

import (
	"context"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

const (
	// eventsBeat keeps proxies from taking a quiet stream for a dead one. It is
	// also how often is looked at what time alone changes, such as a policy's.
	eventsBeat = 15 * time.Second
	// eventsGap is the least time between two events: many changes share one.
	eventsGap = 200 * time.Millisecond
	// eventsStall is how long a reader may take for a few bytes.
	eventsStall = 10 * time.Second
)

// WatchTeam opens a stream of events to a member of the team. Members who do not
// manage it are woken only by changes to their own user and session.
func (s *Server) WatchTeam(ctx context.Context, r contract.WatchTeamRequestObject) (contract.WatchTeamResponseObject, error) {
	me := requestInfoOf(ctx).principal
	role, err := s.recheckMember(ctx, r.Team)
	if err != nil {
		return nil, err
	}
	wakes := []identity.ID{me.User.ID, me.Session.ID}
	if role.Manages() {
		wakes = append(wakes, team.Topic(r.Team), r.Team)
	}
	// Watching comes before the look that counts, so that nothing falls between.
	watcher, ok := s.Feed.Watch(me.User.ID, wakes...)
	if !ok {
		err := identity.NewError(codeRateLimited, "too many streams are open; close one")
		err.RetryAfter = eventsBeat
		return nil, err
	}
	out := teamEvents{
		ctx: ctx, watcher: watcher, stopping: s.Stopping,
		leave: func() { s.Feed.Leave(watcher) },
		allowed: func() error {
			now, err := s.recheckMember(ctx, r.Team)
			if err == nil && now.Manages() != role.Manages() {
				err = identity.NewError(identity.CodeForbidden, "your role has changed: connect again")
			}
			return err
		},
	}
	if err := out.allowed(); err != nil {
		out.leave()
		return nil, err
	}
	return out, nil
}

// teamEvents is a response that lasts until its reader leaves or loses access.
type teamEvents struct {
	ctx      context.Context //nolint:containedctx // the answer is written behind the handler, in the same request
	watcher  *team.Watcher
	stopping <-chan struct{}
	allowed  func() error
	leave    func()
}

// VisitWatchTeamResponse implements WatchTeamResponseObject. Every end is one
// that the client may ask about by connecting again, so none is an error.
func (e teamEvents) VisitWatchTeamResponse(w http.ResponseWriter) error {
	defer e.leave()
	out := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // else nginx keeps events back
	w.WriteHeader(http.StatusOK)
	if isHead(e.ctx) {
		return nil
	}
	requestInfoOf(e.ctx).lasting = true
	// A browser waits so long before it connects again.
	for next := "retry: 1000\nevent: changed\ndata:\n\n"; ; {
		// The server's limit is for a whole answer.
		if err := out.SetWriteDeadline(time.Now().Add(eventsStall)); err != nil {
			return nil
		}
		if _, err := w.Write([]byte(next)); err != nil {
			return nil
		}
		if err := out.Flush(); err != nil || !e.pause(eventsGap) {
			return nil
		}
		select {
		case <-e.watcher.Woken:
			next = "event: changed\ndata:\n\n"
		case <-time.After(eventsBeat):
			next = ": still here\n\n"
		case <-e.ctx.Done():
			return nil
		case <-e.stopping:
			return nil
		}
		if e.allowed() != nil {
			return nil
		}
	}
}

// pause reports whether the stream goes on after d.
func (e teamEvents) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-e.ctx.Done():
	case <-e.stopping:
	}
	return false
}
