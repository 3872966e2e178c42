package client

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/internal/tracing"
)

// Bounds of fetching documents.
const (
	maxDocument  = 5 << 10 // bytes
	fetchTimeout = 3 * time.Second
	maxFetches   = 16   // at a time
	maxDocuments = 1000 // remembered
	// maxFresh bounds how long a publisher can have its document not fetched again, and
	// keepDocument how long a request that began with a document goes on with it.
	maxFresh     = 24 * time.Hour
	keepDocument = time.Hour

	userAgent = "Latchkey (+https://github.com/latchkey/latchkey)"
)

// DocumentOptions are what the deployment decides about clients that describe themselves.
type DocumentOptions struct {
	// Takes reports whether the client at a URL is taken.
	Takes func(u *url.URL) bool
	// Anywhere reports whether a URL may lead to an address that is not public.
	Anywhere func(u *url.URL) bool
	// OverHTTP reports whether a URL may be http.
	OverHTTP func(u *url.URL) bool
	// Spend counts a fetch that a person causes, and refuses it where they cause too many.
	Spend func(ctx context.Context, user identity.ID) error
	// Registered reads the ids of clients that registered themselves; nil takes none.
	Registered *Registrations
	// Timeout bounds a fetch, 0 for 3 seconds.
	Timeout time.Duration
}

// Documents fetches what clients publish about themselves. No error is remembered, nor a
// document that cannot be used (section 4.3 of the draft): how much is fetched is bounded
// by person.
type Documents struct {
	options DocumentOptions
	public  *http.Client
	now     identity.Clock
	slots   chan struct{}
	flights singleflight.Group

	mu   sync.Mutex
	kept map[string]keptDocument // by URL
}

type keptDocument struct {
	Document
	fetched, freshUntil time.Time
}

// NewDocuments returns a fetcher. URLs must lead to public addresses, which is checked
// where a connection is made, and redirects are not followed.
func NewDocuments(o DocumentOptions, now identity.Clock) *Documents {
	o.Timeout = cmp.Or(o.Timeout, fetchTimeout)
	return &Documents{options: o, public: documentClient(o.Timeout), now: now, slots: make(chan struct{}, maxFetches), kept: map[string]keptDocument{}}
}

func documentClient(timeout time.Duration, anywhere ...*url.URL) *http.Client {
	c := oauth.NewHTTPClient(timeout, anywhere...)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Takes reports whether id is the URL of a document that is taken here, or of a client
// that registered itself.
func (d *Documents) Takes(id string) bool {
	if _, ok := d.registered(id); ok {
		return true
	}
	u, ok := documentURL(id, d.options.OverHTTP)
	return ok && d.options.Takes(u)
}

// Get returns the document at the URL id, which is taken. begins is for a request that
// begins: it is fetched, unless its publisher said that it need not be yet. user is the
// person who is there to be asked. CodeInvalidClientDocument, or CodeClientUnavailable
// where it may be had later.
func (d *Documents) Get(ctx context.Context, id string, user identity.ID, begins bool) (Document, error) {
	if own, ok := d.registered(id); ok {
		return own, nil
	}
	if kept, ok := d.lookUp(id, begins); ok {
		return kept, nil
	}
	u, ok := documentURL(id, d.options.OverHTTP)
	if !ok || !d.options.Takes(u) {
		return Document{}, identity.NewError(identity.CodeClientNotFound, "the application that sent you here is not registered").WithField("client_id")
	}
	if err := d.options.Spend(ctx, user); err != nil {
		return Document{}, err
	}
	// Others may wait for it too: it goes on where this one has gone.
	detached := tracing.Detach(ctx)
	flight := d.flights.DoChan(id, func() (any, error) { return d.fetch(detached, id, u) })
	select {
	case <-ctx.Done():
		return Document{}, ctx.Err()
	case r := <-flight:
		if r.Err != nil {
			return Document{}, r.Err
		}
		return r.Val.(Document), nil
	}
}

func (d *Documents) registered(id string) (Document, bool) {
	if d.options.Registered == nil {
		return Document{}, false
	}
	return d.options.Registered.open(id)
}

func (d *Documents) lookUp(id string, begins bool) (Document, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept, ok := d.kept[id]
	now := d.now()
	return kept.Document, ok && (now.Before(kept.freshUntil) || !begins && now.Sub(kept.fetched) < keepDocument)
}

func (d *Documents) keep(doc Document, fresh time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= maxDocuments {
		for id := range d.kept { // any: those in use are soon there again
			delete(d.kept, id)
			break
		}
	}
	now := d.now()
	d.kept[doc.id] = keptDocument{Document: doc, fetched: now, freshUntil: now.Add(fresh)}
}

func (d *Documents) fetch(ctx context.Context, id string, u *url.URL) (Document, error) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	default:
		return Document{}, unavailable(u, fmt.Errorf("%d fetches are under way", maxFetches))
	}
	client := d.public
	if d.options.Anywhere(u) {
		client = documentClient(d.options.Timeout, u)
	}
	ctx, cancel := context.WithTimeout(ctx, d.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, id, http.NoBody)
	if err != nil {
		return Document{}, err
	}
	req.Close = true // there may be many hosts, and each is asked seldom
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	res, err := client.Do(req)
	if err != nil {
		return Document{}, unavailable(u, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests {
			return Document{}, unavailable(u, fmt.Errorf("the status is %d", res.StatusCode))
		}
		return Document{}, invalidDocument(u, "the status is not 200")
	}
	if !isJSON(res.Header.Get("Content-Type")) {
		return Document{}, invalidDocument(u, "its type is not application/json")
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	switch {
	case err != nil:
		return Document{}, unavailable(u, err)
	case len(raw) > maxDocument:
		return Document{}, invalidDocument(u, "it has more than 5 kilobytes")
	}
	doc, err := ParseDocument(id, raw)
	if err != nil {
		return Document{}, invalidDocument(u, err.Error())
	}
	d.keep(doc, freshness(res.Header))
	return doc, nil
}

// isJSON reports whether a media type is application/json, or a kind of it (section 4.1).
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

// freshness is how long an answer may be used without asking again (RFC 9111, section
// 4.2), 0 where it does not say.
func freshness(h http.Header) time.Duration {
	fresh := time.Duration(0)
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				fresh = time.Duration(seconds) * time.Second
			}
		}
	}
	if age, err := strconv.ParseUint(h.Get("Age"), 10, 31); err == nil {
		fresh -= time.Duration(age) * time.Second
	}
	return min(max(fresh, 0), maxFresh)
}

func invalidDocument(u *url.URL, reason string) error {
	return identity.NewError(identity.CodeInvalidClientDocument, "the document of the application at %s cannot be used: %s", u.Host, reason).WithField("client_id")
}

// unavailable says nothing of why: that would tell of what is in our network.
func unavailable(u *url.URL, cause error) error {
	return identity.NewError(identity.CodeClientUnavailable, "the document of the application at %s could not be fetched", u.Host).WithField("client_id").Wrap(cause)
}
