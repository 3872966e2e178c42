// Package hook asks the application, over HTTP and synchronously: whether a sign-in
// may happen, how a new user begins, and what its tokens say. Requests are signed as
// Standard Webhooks (https://www.standardwebhooks.com).
package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/latchkey/latchkey/events/sign"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

const (
	// Deadline is how long a question may take, a retry included.
	Deadline = 3 * time.Second
	// MaxBody bounds what is sent and what is answered, in bytes.
	MaxBody = 16 << 10
)

// Target is a hook of the application. The zero value is none.
type Target struct {
	URL string // https, unless Listed
	// Secrets sign each request, base64 with or without whsec_: the one that the
	// application checks by is among them while it is being changed.
	Secrets []string
	// FailOpen lets go on what the hook was asked about if it does not answer.
	FailOpen bool
	// Listed reports whether the operator allows the host wherever it is. Others
	// must resolve to public addresses.
	Listed bool
	// Observe is called with each request and how it ended; nil for nothing.
	Observe func(kind string, took time.Duration, err error)
}

// hook is a target that is ready to be asked; nil for none.
type hook struct {
	kind     string
	url      string
	signer   sign.Signer
	client   *http.Client
	failOpen bool
	observe  func(kind string, took time.Duration, err error)
	now      identity.Clock

	origin  string   // shown for the URL
	secrets []string // fingerprints
	record  record
}

func newHook(kind string, t Target, now identity.Clock) (*hook, error) {
	if t.URL == "" {
		return nil, nil
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, errors.New("the URL cannot be read")
	}
	h := &hook{kind: kind, url: t.URL, failOpen: t.FailOpen, observe: t.Observe, now: now, origin: u.Scheme + "://" + u.Host, secrets: fingerprints(t.Secrets)}
	if h.signer, err = sign.NewSigner(t.Secrets...); err != nil {
		return nil, err
	}
	var anywhere []*url.URL
	if t.Listed {
		anywhere = append(anywhere, u)
	}
	h.client = oauth.NewHTTPClient(Deadline, anywhere...)
	return h, nil
}

// ask sends a question and decodes the answer. The error never has what was sent
// or answered in it.
func (h *hook) ask(ctx context.Context, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("hook %s: %w", h.kind, err)
	}
	if len(body) > MaxBody {
		return fmt.Errorf("hook %s: the question has more than %d bytes", h.kind, MaxBody)
	}
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	id := "msg_" + identity.NewID().String() // one id for a retry too, so that the application can tell
	raw, err := h.post(ctx, id, body)
	if errors.Is(err, errNoAnswer) && ctx.Err() == nil {
		raw, err = h.post(ctx, id, body)
	}
	if err != nil {
		return fmt.Errorf("hook %s: %w", h.kind, err)
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("hook %s: the answer is not the JSON that it should be", h.kind)
	}
	return nil
}

// errNoAnswer is a connection that could not be made or that broke before an answer.
var errNoAnswer = errors.New("no answer")

func (h *hook) post(ctx context.Context, id string, body []byte) ([]byte, error) {
	req, err := h.signer.Post(ctx, h.url, id, h.now(), body)
	if err != nil {
		return nil, err
	}
	res, err := h.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // its text has the URL, in which a key may be
			err = wrapped.Err
		}
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the status is %d, not 200", res.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, errors.New("the answer broke off")
	case len(raw) > MaxBody:
		return nil, fmt.Errorf("the answer has more than %d bytes", MaxBody)
	}
	return raw, nil
}
