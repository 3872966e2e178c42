package client_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// publisher is where a client publishes its document.
type publisher struct {
	*httptest.Server
	connections, hits atomic.Int32
	answer            atomic.Pointer[http.HandlerFunc]
}

func newPublisher(t *testing.T, secure bool) *publisher {
	t.Helper()
	p := &publisher{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.hits.Add(1)
		(*p.answer.Load())(w, r)
	}))
	p.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			p.connections.Add(1)
		}
	}
	if secure {
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) id() string { return p.URL + "/client.json" }

// says has the publisher answer with its document, changed: nil takes a member out.
func (p *publisher) says(change map[string]any, header ...string) {
	members := map[string]any{"client_id": p.id(), "client_name": "Agent", "redirect_uris": []string{"http://127.0.0.1/cb", "http://localhost:3000/cb"}}
	maps.Copy(members, change)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	raw, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	p.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = w.Write(raw)
	})
}

func (p *publisher) answers(h http.HandlerFunc) { p.answer.Store(&h) }

func anywhere(*url.URL) bool { return true }

func nowhere(*url.URL) bool { return false }

func newDocuments(edit func(o *client.DocumentOptions), now identity.Clock) *client.Documents {
	o := client.DocumentOptions{Takes: anywhere, Anywhere: anywhere, OverHTTP: anywhere, Spend: func(context.Context, identity.ID) error { return nil }}
	edit(&o)
	return client.NewDocuments(o, now)
}

func asIs(*client.DocumentOptions) {}

// What a document says is taken as far as such a client may have it.
func TestDocumentOfAClient(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, false)
	d := newDocuments(asIs, identity.SystemClock)
	read := client.Resource{URI: "https://mcp.example.com/mcp", Scopes: client.Words{"read", "write"}}
	of := func(change map[string]any, header ...string) client.Client {
		t.Helper()
		p.says(change, header...)
		doc, err := d.Get(t.Context(), p.id(), identity.NewID(), true)
		if err != nil {
			t.Fatal(err)
		}
		return doc.Client([]client.Resource{read})
	}
	c := of(nil)
	if c.ID != p.id() || c.Name != "Agent" || c.Kind != client.Public || c.Trusted || c.LogoURI != "" || c.BackchannelURI != "" || c.TeamID != nil || len(c.PostLogoutURIs) > 0 ||
		len(c.DocumentHash) != 32 || !slices.Equal(c.Grants, []string{client.GrantCode}) || !c.AllowsRedirect("http://127.0.0.1:49152/cb") || c.AllowsRedirect("http://127.0.0.1/other") ||
		!c.AllowsScope("write") || !c.AllowsScope("offline_access") || !c.AllowsResource(read.URI) || c.AllowsResource("https://other.example.com") || c.IDTokenAlg != "RS256" {
		t.Errorf("%+v", c)
	}
	if again := of(map[string]any{"client_uri": nil}, "Content-Type", "application/oauth-client+json; charset=utf-8"); !bytes.Equal(again.DocumentHash, c.DocumentHash) {
		t.Error("the same document is another")
	}
	if other := of(map[string]any{"client_uri": "https://x"}); bytes.Equal(other.DocumentHash, c.DocumentHash) {
		t.Error("another document is the same")
	}
	host := strings.TrimPrefix(p.URL, "http://")
	more := of(map[string]any{
		"client_name": nil, "grant_types": []string{"refresh_token", "authorization_code", "urn:ietf:params:oauth:grant-type:device_code", "client_credentials"},
		"response_types": []string{"code", "token"}, "scope": "openid read unknown", "token_endpoint_auth_method": "none", "id_token_signed_response_alg": "ES256",
		"logo_uri": "https://evil.example/logo.png", "post_logout_redirect_uris": []string{"https://evil.example"}, "backchannel_logout_uri": "http://169.254.169.254/",
		"redirect_uris": []string{
			"https://evil.example/cb", "https://127.0.0.1/cb?x=1", "https://sub.127.0.0.1/cb", "http://evil.example/cb", "com.example.app:/cb", "javascript:alert(1)", "http://127.0.0.1/cb#x",
			"https://127.0.0.1@evil.example/cb", "http://127.0.0.1/cb", "http://127.0.0.1/cb",
		},
	})
	if more.Name != host || !slices.Equal(more.Grants, []string{client.GrantCode, client.GrantRefresh}) || !slices.Equal(more.Scopes, []string{"openid", "read"}) || more.IDTokenAlg != "ES256" ||
		more.LogoURI != "" || len(more.PostLogoutURIs) > 0 || more.BackchannelURI != "" || !slices.Equal(more.RedirectURIs, []string{"https://127.0.0.1/cb?x=1", "http://127.0.0.1/cb"}) {
		t.Errorf("%+v", more)
	}
	if c := of(map[string]any{"scope": ""}); len(c.Scopes) > 0 {
		t.Errorf("a document that asks for no scopes has %v", c.Scopes)
	}
}

// A document that is not the client's, cannot be read or does not come in time and size is
// no client, and is not remembered.
func TestDocumentsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, false)
	elsewhere := newPublisher(t, false)
	d := newDocuments(asIs, identity.SystemClock)
	long := strings.Repeat("x", 5<<10)
	status := func(n int) func() {
		return func() { p.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n) }) }
	}
	raw := func(contentType, body string) func() {
		return func() {
			p.answers(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", contentType)
				_, _ = w.Write([]byte(body))
			})
		}
	}
	member := func(name string, v any) func() { return func() { p.says(map[string]any{name: v}) } }
	elsewhere.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	const unusable, unavailable = identity.CodeInvalidClientDocument, identity.CodeClientUnavailable
	for name, c := range map[string]struct {
		answer func()
		code   identity.Code
	}{
		"not there":           {status(404), unusable},
		"created":             {status(201), unusable},
		"no content":          {status(204), unusable},
		"its trouble":         {status(503), unavailable},
		"too many requests":   {status(429), unavailable},
		"a redirect":          {func() { p.answers(http.RedirectHandler(elsewhere.URL, http.StatusFound).ServeHTTP) }, unusable},
		"a redirect in place": {func() { p.answers(http.RedirectHandler("/other.json", http.StatusPermanentRedirect).ServeHTTP) }, unusable},
		"a connection that breaks": {func() {
			p.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, unavailable},
		"HTML":                 {raw("text/html", `{}`), unusable},
		"no type":              {raw("", `{}`), unusable},
		"JSON as text":         {raw("text/plain", fmt.Sprintf(`{"client_id":%q,"redirect_uris":["http://127.0.0.1/cb"]}`, p.id())), unusable},
		"no JSON":              {raw("application/json", `<html>`), unusable},
		"nothing":              {raw("application/json", ``), unusable},
		"null":                 {raw("application/json", `null`), unusable},
		"a list":               {raw("application/json", `[{}]`), unusable},
		"two objects":          {raw("application/json", `{}{}`), unusable},
		"no UTF-8":             {raw("application/json", "{\"client_name\":\"\xff\"}"), unusable},
		"no client_id":         {member("client_id", nil), unusable},
		"another's client_id":  {member("client_id", "https://agent.example/client.json"), unusable},
		"nearly its client_id": {member("client_id", p.id()+"/"), unusable},
		"client_id of a type":  {member("client_id", 1), unusable},
		"CLIENT_ID":            {func() { p.says(map[string]any{"client_id": nil, "CLIENT_ID": p.id()}) }, unusable},
		"no redirect_uris":     {member("redirect_uris", nil), unusable},
		"none of its own":      {member("redirect_uris", []string{"https://evil.example/cb"}), unusable},
		"redirects of a type":  {member("redirect_uris", "http://127.0.0.1/cb"), unusable},
		"a secret's method":    {member("token_endpoint_auth_method", "client_secret_basic"), unusable},
		"keys' method":         {member("token_endpoint_auth_method", "private_key_jwt"), unusable},
		"a secret":             {member("client_secret", "x"), unusable},
		"a secret's end":       {member("client_secret_expires_at", 0), unusable},
		"no code grant":        {member("grant_types", []string{"client_credentials"}), unusable},
		"no code":              {member("response_types", []string{"token"}), unusable},
		"unsigned ID tokens":   {member("id_token_signed_response_alg", "none"), unusable},
		"a name that turns":    {member("client_name", "a\u202eb"), unusable},
		"a long name":          {member("client_name", strings.Repeat("a", 101)), unusable},
		"a long document":      {member("client_uri", long), unusable},
		"a bomb": {func() {
			p.answers(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20))
				_ = z.Close()
			})
		}, unusable},
	} {
		before := p.hits.Load()
		for range 2 { // no error is remembered
			c.answer()
			if _, err := d.Get(t.Context(), p.id(), identity.NewID(), false); identity.ErrorCode(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := p.hits.Load() - before; n < 2 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	if elsewhere.hits.Load() > 0 {
		t.Error("a redirect was followed")
	}
	p.says(nil)
	if _, err := d.Get(t.Context(), p.id(), identity.NewID(), false); err != nil {
		t.Errorf("once fixed: %v", err)
	}
	p.Close()
	if _, err := d.Get(t.Context(), p.id(), identity.NewID(), true); identity.ErrorCode(err) != unavailable || strings.Contains(detailOf(err), "refused") {
		t.Errorf("away: %v", err)
	}
}

// detailOf is what an error says to people.
func detailOf(err error) string {
	if e := new(identity.Error); errors.As(err, &e) {
		return e.Detail
	}
	return ""
}

// A publisher that hangs, or sends a byte at a time, is given up after three seconds.
func TestSlowDocuments(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"drop by drop": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPublisher(t, false)
			p.answers(answer)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := newDocuments(asIs, identity.SystemClock).Get(ctx, p.id(), identity.NewID(), true); identity.ErrorCode(err) != identity.CodeClientUnavailable {
				t.Errorf("%v", err)
			}
		})
	}
}

// No connection is made to an address that is not public, whatever name leads to it.
func TestDocumentsAreFetchedFromPublicAddresses(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, true)
	p.says(nil)
	port := p.URL[strings.LastIndex(p.URL, ":")+1:]
	d := newDocuments(func(o *client.DocumentOptions) { o.Anywhere, o.OverHTTP = nowhere, nowhere }, identity.SystemClock)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]", "127.1.2.3"} {
		id := "https://" + host + ":" + port + "/client.json"
		_, err := d.Get(t.Context(), id, identity.NewID(), true)
		if identity.ErrorCode(err) != identity.CodeClientUnavailable || strings.Contains(detailOf(err), "public") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if p.connections.Load() > 0 {
		t.Errorf("%d connections", p.connections.Load())
	}
	// What cannot be the URL of a document is not asked for at all.
	for _, id := range []string{
		"", "x", "http://127.0.0.1/client.json", "https://agent.example", "https://agent.example?x", "https://agent.example/#x", "https://u@agent.example/c", "https://u:p@agent.example/c",
		"https://agent.example/./c", "https://agent.example/a/../c", "https://agent.example/%2e%2e/c", "https://Agent.example/c", "https://agent.example./c", "HTTPS://agent.example/c",
		"https:///c", "https:agent.example/c", "ftp://agent.example/c", "https://agent.example:0/c", "https://agent.example/c c", "https://ägent.example/c", "https://agent.example\\@evil/c",
		"https://agent.example/" + strings.Repeat("c", 2000),
	} {
		if d.Takes(id) {
			t.Errorf("%q is taken", id)
		}
		if _, err := d.Get(t.Context(), id, identity.NewID(), true); identity.ErrorCode(err) != identity.CodeClientNotFound {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"https://agent.example/client.json", "https://agent.example:8443/c", "https://agent.example/", "https://agent.example/c?v=1"} {
		if !d.Takes(id) {
			t.Errorf("%q is not taken", id)
		}
	}
	listed := newDocuments(func(o *client.DocumentOptions) {
		o.Takes = func(u *url.URL) bool { return u.Host == "agent.example" }
	}, identity.SystemClock)
	if !listed.Takes("https://agent.example/c") || listed.Takes("https://other.example/c") {
		t.Error("the list is not kept to")
	}
}

// A document is fetched once for those who wait for it, again where a request begins,
// unless its publisher said how long it stays, and never where a person asks for too many.
func TestHowOftenDocumentsAreFetched(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, false)
	var moved atomic.Int64
	now := func() time.Time { return identity.SystemClock().Add(time.Duration(moved.Load())) }
	var spent atomic.Int32
	refusal := identity.NewError("rate_limited", "too many")
	greedy := identity.NewID()
	d := newDocuments(func(o *client.DocumentOptions) {
		o.Timeout = time.Minute
		o.Spend = func(_ context.Context, user identity.ID) error {
			if spent.Add(1); user == greedy {
				return refusal
			}
			return nil
		}
	}, now)
	get := func(begins bool, fetches int32) {
		t.Helper()
		before := p.hits.Load()
		if _, err := d.Get(t.Context(), p.id(), identity.NewID(), begins); err != nil {
			t.Fatal(err)
		}
		if n := p.hits.Load() - before; n != fetches {
			t.Errorf("%d fetches, not %d", n, fetches)
		}
	}
	p.says(nil)
	get(true, 1)
	get(false, 0)
	get(true, 1)
	moved.Add(int64(time.Hour))
	get(false, 1)
	for header, fetches := range map[string]int32{"no-store": 1, "max-age=600, no-cache": 1, "max-age=0": 1, "max-age=x": 1, "public, max-age=600": 0, `MAX-AGE="600"`: 0} {
		moved.Add(int64(48 * time.Hour))
		p.says(nil, "Cache-Control", header)
		get(true, 1)
		moved.Add(int64(599 * time.Second))
		get(true, fetches)
		moved.Add(int64(time.Second))
		get(true, 1)
	}
	p.says(nil, "Cache-Control", "max-age=600", "Age", "599")
	moved.Add(int64(48 * time.Hour))
	get(true, 1)
	moved.Add(int64(time.Second))
	p.says(nil, "Cache-Control", "max-age=99999999")
	get(true, 1)
	moved.Add(int64(24*time.Hour - time.Second))
	get(true, 0)
	moved.Add(int64(time.Second))
	get(true, 1)

	before := p.hits.Load()
	moved.Add(int64(48 * time.Hour))
	if _, err := d.Get(t.Context(), p.id(), greedy, true); identity.ErrorCode(err) != "rate_limited" || p.hits.Load() != before {
		t.Errorf("one who asks for too many: %v", err)
	}
	// Together: the first has it fetched for all, though it goes away meanwhile.
	hold := make(chan struct{})
	p.says(nil)
	say := *p.answer.Load()
	p.answers(func(w http.ResponseWriter, r *http.Request) { <-hold; say(w, r) })
	before, asked := p.hits.Load(), spent.Load()
	first, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := d.Get(first, p.id(), identity.NewID(), true); err == nil {
			t.Error("the first one got it although it left")
		}
	})
	if !apptest.Eventually(func() bool { return p.hits.Load() == before+1 }) {
		t.Fatal("never: the first asks")
	}
	for range 20 {
		all.Go(func() {
			if _, err := d.Get(t.Context(), p.id(), identity.NewID(), true); err != nil {
				t.Error(err)
			}
		})
	}
	if !apptest.Eventually(func() bool { return spent.Load() == asked+21 }) {
		t.Fatal("never: all ask")
	}
	leave()
	// Whether the last has joined is not seen: it would fetch once more at most.
	close(hold)
	all.Wait()
	if n := p.hits.Load() - before; n > 2 {
		t.Errorf("21 at once fetched %d times", n)
	}
}

// Many publishers that hang hold up a bounded number of fetches.
func TestFetchesAtATime(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, false)
	hold := make(chan struct{})
	p.answers(func(http.ResponseWriter, *http.Request) { <-hold })
	d := newDocuments(func(o *client.DocumentOptions) { o.Timeout = time.Minute }, identity.SystemClock)
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 16 {
		all.Go(func() { _, _ = d.Get(ctx, fmt.Sprintf("%s/%d.json", p.URL, i), identity.NewID(), true) })
	}
	if !apptest.Eventually(func() bool { return p.hits.Load() == 16 }) {
		t.Fatal("never: sixteen hang")
	}
	if _, err := d.Get(t.Context(), p.URL+"/17.json", identity.NewID(), true); identity.ErrorCode(err) != identity.CodeClientUnavailable || p.hits.Load() != 16 {
		t.Errorf("one more: %v, %d hits", err, p.hits.Load())
	}
	cancel()
	close(hold)
	all.Wait()
}
