package api

import (
	"context"
	"strings"
	"time"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/feed"
)

// defaultEvents is how many events are read at once, unless another number is asked for.
const defaultEvents = 100

// ListEvents reads the feed, for the application's backend.
func (s *Server) ListEvents(ctx context.Context, r contract.ListEventsRequestObject) (contract.ListEventsResponseObject, error) {
	q := feed.Query{After: value(r.Params.After), Limit: defaultEvents, Wait: time.Duration(value(r.Params.Wait)) * time.Second}
	if r.Params.Limit != nil {
		q.Limit = *r.Params.Limit
	}
	if isHead(ctx) {
		q.Wait = 0
	}
	requestInfoOf(ctx).lasting = q.Wait > 0
	if r.Params.Types != nil {
		for t := range strings.SplitSeq(*r.Params.Types, ",") {
			q.Types = append(q.Types, feed.Type(t))
		}
	}
	events, next, err := s.Events.Read(ctx, q, s.Stopping)
	return contract.ListEvents200JSONResponse{Data: each(events, feedEventOf), NextAfter: next}, err
}

func feedEventOf(e feed.Event) contract.FeedEvent {
	return contract.FeedEvent{
		Id: e.ID, Type: contract.EventType(e.Type), Seq: e.Seq, At: e.At.UTC(), ApiVersion: feed.APIVersion, Data: e.Data,
	}
}
