package latchkey

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The example of the Standard Webhooks specification, so that this does not only agree
// with itself.
func TestWebhookOfTheSpecification(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(`{"test": 2432232314}`))
	r.Header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	r.Header.Set("webhook-timestamp", "1614265330")
	r.Header.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	if _, err := verifyWebhook(r, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", time.Unix(1614265330, 0)); err != nil {
		t.Error(err)
	}
}

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	now := time.Now()
	key := bytes.Repeat([]byte{7}, 24)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	const body = `{"id":"e1","type":"user.merged","seq":42,"at":"2026-03-01T12:00:00Z","api_version":"v1","data":{"user_id":"u1","actor_id":"u1","from":"u2","into":"u1","later":[1]}}`
	delivery := func(key []byte, at time.Time, body string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		timestamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("e1." + timestamp + "." + body))
		r.Header.Set("webhook-id", "e1")
		r.Header.Set("webhook-timestamp", timestamp)
		r.Header.Set("webhook-signature", "v1a,AAAA v1,AAAA v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return r
	}
	r := delivery(key, now, body)
	e, err := VerifyWebhook(r, secret)
	if err != nil {
		t.Fatal(err)
	}
	if e.Type != UserMerged || e.Seq != 42 || e.Data.From != "u2" || e.Data.Into != "u1" || e.At.Year() != 2026 || !strings.Contains(string(e.Data.Raw), `"later":[1]`) {
		t.Errorf("%+v", e)
	}
	if again, err := io.ReadAll(r.Body); err != nil || string(again) != body {
		t.Errorf("the body can't be read again: %s, %v", again, err)
	}
	if e, err := VerifyWebhook(delivery(key, now, `{"id":"e1","type":"user.created","seq":1,"at":"2026-03-01T12:00:00Z","api_version":"v1","data":{"user_id":null,"user":{"id":"u1","primary_email":null,"onboarded_at":null}}}`), secret); err != nil || e.Data.User.ID != "u1" {
		t.Errorf("%+v, %v", e, err)
	}

	without := func(header string) *http.Request {
		r := delivery(key, now, body)
		r.Header.Del(header)
		return r
	}
	changed := delivery(key, now, body)
	changed.Body = io.NopCloser(strings.NewReader(strings.Replace(body, "u2", "u3", 1)))
	other := delivery(key, now, body)
	other.Header.Set("webhook-id", "e2")
	for name, r := range map[string]*http.Request{
		"another secret": delivery([]byte("another"), now, body), "another body": changed, "another id": other,
		"old": delivery(key, now.Add(-6*time.Minute), body), "from the future": delivery(key, now.Add(6*time.Minute), body),
		"no id": without("webhook-id"), "no time": without("webhook-timestamp"), "no signature": without("webhook-signature"),
		"too large": delivery(key, now, body+strings.Repeat(" ", maxEventSize)), "not JSON": delivery(key, now, "<html>"), "no body": {Header: r.Header},
	} {
		if e, err := VerifyWebhook(r, secret); e != nil || !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: %v, %v", name, e, err)
		}
	}
	// Bodies without an end are not read to it, and those of another time not at all.
	for name, c := range map[string]struct {
		at  time.Time
		max int
	}{"endless": {now, maxEventSize + 1}, "old and endless": {now.Add(-time.Hour), 0}} {
		r := delivery(key, c.at, body)
		var sent endless
		r.Body = io.NopCloser(&sent)
		if _, err := VerifyWebhook(r, secret); !errors.Is(err, ErrUnauthenticated) || int(sent) > c.max {
			t.Errorf("%s: %d bytes were read: %v", name, sent, err)
		}
	}
	for _, wrong := range []string{"", "whsec_", "whsec_%%"} {
		if e, err := VerifyWebhook(delivery(nil, now, body), wrong); e != nil || !errors.Is(err, ErrUnavailable) {
			t.Errorf("the secret %q: %v, %v", wrong, e, err)
		}
	}
}

// endless is a body without an end. It counts what is read of it.
type endless int

func (e *endless) Read(p []byte) (int, error) {
	*e += endless(len(p))
	return len(p), nil
}
