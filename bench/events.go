package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/storage"
)

const (
	deliveredEvents = 20_000
	deliveryAim     = 1_000      // events a second
	feedAim         = 20_000     // events a second
	eventsSignInAim = 1.0 / 1.05 // of the rate without a webhook
	feedPage        = 1_000
	deliveredWithin = 5 * time.Minute
)

// measureEvents compares sign-ins with a webhook, which gets an event of each, with
// those without one, has events that happened all at once delivered to a receiver in
// this process, and reads them from the feed.
func measureEvents(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	to, err := newReceiver()
	if err != nil {
		return err
	}
	defer to.close()
	people, err := newWallets(wallets)
	if err != nil {
		return err
	}
	var sides []*side
	var hooked string // the database with the webhook
	for _, webhook := range []bool{true, false} {
		url, err := m.database(ctx)
		if err != nil {
			return err
		}
		c, err := m.service(ctx, m.binaries[0], url, "LATCHKEY_WEBHOOK_ALLOWED_HOSTS="+to.address)
		if err != nil {
			return err
		}
		if webhook {
			hooked = url
			if _, err := commandOf(ctx, m.binaries[0], url, "webhook", "create", "--url", "http://"+to.address+"/"); err != nil {
				return err
			}
		}
		if err := signInAll(c.address, people); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		l, err := newLoad(c.address, m.connections)
		if err != nil {
			return err
		}
		defer l.close()
		sides = append(sides, &side{child: c, postgres: conn, round: signInRound(c.address, l, people, true)})
	}
	if err := interleave(ctx, m.options, hooked, sides...); err != nil {
		return err
	}
	t.compare("wallet sign-in with a webhook against without", eventsSignInAim, sides[0], sides[1])
	if to.events.Load() == 0 {
		return errors.New("the webhook got nothing")
	}
	if err := measureDeliveries(ctx, t, hooked, to); err != nil {
		return err
	}
	return measureFeed(ctx, m, t, hooked, sides[0].child)
}

// receiver counts the events it gets by webhooks.
type receiver struct {
	address string
	server  *http.Server
	events  atomic.Int64
}

func newReceiver() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{address: l.Addr().String()}
	r.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		r.events.Add(1)
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

func (r *receiver) close() { _ = r.server.Close() }

// settled waits until nothing has come for a while.
func (r *receiver) settled(ctx context.Context) (int64, error) {
	for seen := r.events.Load(); ; {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(3 * time.Second):
		}
		now := r.events.Load()
		if now == seen {
			return now, nil
		}
		seen = now
	}
}

func measureDeliveries(ctx context.Context, t *table, url string, to *receiver) error {
	before, err := to.settled(ctx)
	if err != nil {
		return err
	}
	db, err := storage.Open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	began := time.Now()
	if err := recordEvents(ctx, db, deliveredEvents); err != nil {
		return err
	}
	recorded := time.Since(began)
	for to.events.Load()-before < deliveredEvents {
		if time.Since(began) > deliveredWithin {
			return fmt.Errorf("%d of %d events were delivered", to.events.Load()-before, deliveredEvents)
		}
		time.Sleep(5 * time.Millisecond)
	}
	rate := deliveredEvents / time.Since(began).Seconds()
	t.atLeast(1, rate/deliveryAim, "events delivered a second / 1,000", "%.0f a second, %d in all, recorded within %.1f s", rate, deliveredEvents, recorded.Seconds())
	return nil
}

func measureFeed(ctx context.Context, m *machine, t *table, url string, service *child) error {
	key, err := commandOf(ctx, m.binaries[0], url, "admin", "api-key", "create", "--name", "Benchmark", "--scope", "events:read")
	if err != nil {
		return err
	}
	c, err := dial(service.address)
	if err != nil {
		return err
	}
	defer c.close()
	var events int
	began := time.Now()
	for time.Since(began) < m.duration {
		for after := int64(0); ; {
			a, err := c.do([]byte("GET /v1/events?limit=" + strconv.Itoa(feedPage) + "&after=" + strconv.FormatInt(after, 10) +
				" HTTP/1.1\r\nHost: " + service.address + "\r\nAuthorization: Bearer " + string(bytes.TrimSpace(key)) + "\r\n\r\n"))
			if err := orWant(err, a, http.StatusOK); err != nil {
				return err
			}
			var page struct {
				Data []json.RawMessage `json:"data"`
				Next int64             `json:"next_after"`
			}
			if err := json.Unmarshal(a.body, &page); err != nil {
				return err
			}
			events, after = events+len(page.Data), page.Next
			if len(page.Data) < feedPage {
				break
			}
		}
	}
	rate := float64(events) / time.Since(began).Seconds()
	t.atLeast(1, rate/feedAim, "events read from the feed a second / 20,000", "%.0f a second by one reader, %d at a time", rate, feedPage)
	return nil
}
