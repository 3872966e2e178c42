package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity/webhook"
)

// kept is how much of an answer is in the log of deliveries; discarded is how much more
// is read, so that the connection can be used again.
const (
	kept      = 1 << 10
	discarded = 4 << 10
)

// retries are the pauses after an attempt that failed. After the last there is no other.
var retries = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// jitter is by how much of itself a pause is longer at most, so that what failed together
// does not come back together.
const jitter = 0.1

// attempt sends an event once, and returns what became of the delivery.
func (r *receiver) attempt(ctx context.Context, d webhook.EventDelivery) webhook.Delivery {
	began := time.Now()
	status, answer, err := r.post(ctx, d)
	out, at := d.Delivery, r.now()
	out.Attempts++
	out.AttemptedAt, out.DurationMs = &at, int(time.Since(began).Milliseconds())
	out.ResponseStatus, out.ResponseBody, out.Error = status, answer, ""
	switch {
	case err != nil:
		out.Error = err.Error()
	case status >= 200 && status <= 299:
		out.Status = webhook.Delivered
		return out
	case status >= 300 && status <= 399:
		out.Error = "redirects are not followed"
	default:
		out.Error = fmt.Sprintf("the status is %d", status)
	}
	if out.Attempts > len(retries) || status == http.StatusGone {
		out.Status = webhook.Failed
		return out
	}
	pause := retries[out.Attempts-1]
	out.NextAttemptAt = at.Add(pause + time.Duration(rand.Float64()*jitter*float64(pause))) //nolint:gosec // jitter needs no secrecy
	return out
}

// post returns the status, 0 without an answer, and the beginning of the body. The error
// never has the URL in it, in which a key may be.
func (r *receiver) post(ctx context.Context, d webhook.EventDelivery) (status int, answer string, err error) {
	if r.refused != "" {
		return 0, "", errors.New(r.refused)
	}
	body, err := json.Marshal(d.Event)
	if err != nil {
		return 0, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	req, err := r.signer.Post(ctx, r.url, d.Event.ID.String(), r.now(), body)
	if err != nil {
		return 0, "", err
	}
	res, err := r.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		switch {
		case ctx.Err() != nil:
			err = fmt.Errorf("no answer within %d seconds", int(Timeout.Seconds()))
		case errors.As(err, &wrapped):
			err = wrapped.Err
		}
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	begin, _ := io.ReadAll(io.LimitReader(res.Body, kept)) // a body that breaks off changes nothing about the status
	_, _ = io.CopyN(io.Discard, res.Body, discarded)
	return res.StatusCode, text(begin), nil
}

// text is what the database can keep of an answer.
func text(b []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\ufffd"), "\x00", "\ufffd")
}
