// Package sign signs what is sent to applications, as Standard Webhooks
// (https://www.standardwebhooks.com).
package sign

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const userAgent = "Latchkey (+https://github.com/latchkey/latchkey)"

// Signer signs with all of its secrets: the one that the application checks by is among
// them while it is being changed.
type Signer []*webhooks.Webhook

// NewSigner takes secrets in base64, with or without whsec_.
func NewSigner(secrets ...string) (Signer, error) {
	out := make(Signer, len(secrets))
	for i, secret := range secrets {
		var err error
		if out[i], err = webhooks.NewWebhook(secret); err != nil {
			return nil, errors.New("a secret is not base64")
		}
	}
	return out, nil
}

// Post returns a request with the body, signed. The error never has the URL in it, in
// which a key may be.
func (s Signer) Post(ctx context.Context, url, id string, at time.Time, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the URL cannot be used")
	}
	signatures := make([]string, len(s))
	for i, by := range s {
		if signatures[i], err = by.Sign(id, at, body); err != nil {
			return nil, err
		}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set(webhooks.HeaderWebhookID, id)
	req.Header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(webhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return req, nil
}
