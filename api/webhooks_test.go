package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// pushed is a delivery as it came in.
type pushed struct {
	ID   string         `json:"id"`
	Type string         `json:"type"`
	Seq  int64          `json:"seq"`
	Data map[string]any `json:"data"`

	header http.Header
	raw    []byte
}

// endpoint is an application's endpoint. It answers what the test says, 204 by default.
type endpoint struct {
	t      *testing.T
	URL    string
	mu     sync.Mutex
	got    []pushed
	answer http.HandlerFunc
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	r := &endpoint{t: t, answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p := pushed{header: req.Header}
		p.raw, _ = io.ReadAll(req.Body)
		if err := json.Unmarshal(p.raw, &p); err != nil || req.Method != http.MethodPost {
			t.Errorf("%s %s: %v", req.Method, p.raw, err)
		}
		r.mu.Lock()
		r.got = append(r.got, p)
		answer := r.answer
		r.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(s.Close)
	r.URL = s.URL + "/in?token=secret"
	return r
}

func (r *endpoint) answers(f http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func (r *endpoint) says(status int, body string) {
	r.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func (r *endpoint) all() []pushed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// wait waits for so many deliveries, and returns them.
func (r *endpoint) wait(n int) []pushed {
	r.t.Helper()
	if !apptest.Eventually(func() bool { return len(r.all()) >= n }) {
		r.t.Fatalf("%d deliveries came, want %d", len(r.all()), n)
	}
	return r.all()
}

// of returns the deliveries of events about a user.
func (r *endpoint) of(user string) (out []pushed) {
	for _, p := range r.all() {
		if p.Data["user_id"] == user {
			out = append(out, p)
		}
	}
	return out
}

// event waits until an event has come so often, and returns its last delivery.
func (r *endpoint) event(id string, times int) (last pushed) {
	r.t.Helper()
	if !apptest.Eventually(func() bool {
		n := 0
		for _, p := range r.all() {
			if p.ID == id {
				n, last = n+1, p
			}
		}
		return n >= times
	}) {
		r.t.Fatalf("the event %s did not come %d times", id, times)
	}
	return last
}

func newWebhook(t *testing.T, b *apptest.Browser, body object) (path, secret string) {
	t.Helper()
	made := b.POST("/v1/admin/webhooks", body).Want(http.StatusCreated)
	return "/v1/admin/webhooks/" + made.String("id"), made.String("secret")
}

// delivery waits until the newest delivery has a status, and returns it.
func delivery(t *testing.T, b *apptest.Browser, path, status string, attempts int) *apptest.Answer {
	t.Helper()
	var a *apptest.Answer
	if !apptest.Eventually(func() bool {
		a = b.GET(path + "/deliveries?limit=1").Want(http.StatusOK)
		return a.Len("data") == 1 && a.String("data.0.status") == status && a.Get("data.0.attempts") == float64(attempts)
	}) {
		t.Fatalf("the newest delivery is %s, want it %s after %d attempts", a.Body, status, attempts)
	}
	return a
}

func verifies(t *testing.T, p pushed, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		by, err := webhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := by.Verify(p.raw, p.header); err != nil {
			t.Errorf("%s is not signed by %s: %v", p.raw, secret, err)
		}
	}
}

func TestWebhooksAreDelivered(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op, to, few := operator(t, a), newEndpoint(t), newEndpoint(t)
		_, key := newKey(t, op, "admin:write", "events:read")
		path, secret := newWebhook(t, op, object{"url": to.URL, "description": "rows in step"})
		_, fewSecret := newWebhook(t, key, object{"url": few.URL, "types": []string{"user.created"}})
		if !strings.HasPrefix(secret, "whsec_") || secret == fewSecret {
			t.Errorf("the secrets are %s and %s", secret, fewSecret)
		}

		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		id := me(ada)
		if !apptest.Eventually(func() bool { return len(few.of(id)) == 1 && len(to.of(id)) == 2 }) {
			t.Fatalf("%d and %d deliveries came", len(few.of(id)), len(to.of(id)))
		}
		created := few.of(id)[0]
		if created.Type != "user.created" || created.header.Get("Webhook-Id") != created.ID {
			t.Errorf("%s, %v", created.raw, created.header)
		}
		verifies(t, created, fewSecret)
		same := key.GET("/v1/events?types=user.created&limit=1000").Want(http.StatusOK)
		last := same.Get("data").([]any)[same.Len("data")-1].(map[string]any)
		if last["id"] != created.ID || last["seq"] != float64(created.Seq) {
			t.Errorf("the feed has %v, the webhook %s", last, created.raw)
		}
		for _, p := range to.of(id) {
			verifies(t, p, secret)
		}
		delivery(t, key, path, "delivered", 1)

		// Both secrets sign while it is being changed, then only the new one.
		rotated := op.POST(path+"/rotate-secret", nil).Want(http.StatusCreated).String("secret")
		event := op.POST(path+"/test", nil).Want(http.StatusAccepted).String("event_id")
		p := to.event(event, 1)
		if p.Type != "webhook.test" {
			t.Errorf("the test event is %s", p.raw)
		}
		verifies(t, p, secret, rotated)
		a.Advance(25 * time.Hour)
		event = key.POST(path+"/test", nil).Want(http.StatusAccepted).String("event_id")
		if got := strings.Fields(to.event(event, 1).header.Get("Webhook-Signature")); len(got) != 1 {
			t.Errorf("after the overlap there are the signatures %v", got)
		}

		// One again, and all since. The ids are those that they had.
		one := delivery(t, key, path, "delivered", 1)
		key.POST(path+"/replay", object{"delivery": one.String("data.0.id")}).Want(http.StatusAccepted)
		to.event(one.String("data.0.event.id"), 2)
		n := len(to.all())
		before := a.Now().Add(-48 * time.Hour).UTC().Format(time.RFC3339)
		count := int(key.POST(path+"/replay", object{"since": before}).Want(http.StatusAccepted).Get("deliveries").(float64))
		if count < 2 {
			t.Errorf("%d events are replayed", count)
		}
		to.wait(n + count)
		if got := few.of(id); len(got) != 1 {
			t.Errorf("the other webhook got %d", len(got))
		}

		shown := key.GET(path).Want(http.StatusOK)
		if shown.Get("secret") != nil || shown.String("description") != "rows in step" || shown.String("previous_secret_until") == "" {
			t.Errorf("shown: %s", shown.Body)
		}
		key.DELETE(path).Want(http.StatusNoContent)
		key.GET(path).Want(http.StatusNotFound)
		if log := a.Log.String(); strings.Contains(log, "token=secret") || strings.Contains(log, rotated) {
			t.Error("the log has a secret in it")
		}
	})
}

func TestWebhooksThatFail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op, to := operator(t, a), newEndpoint(t)
		_, key := newKey(t, op, "admin:write")
		path, _ := newWebhook(t, op, object{"url": to.URL, "types": []string{"webhook.test"}})
		test := func() { key.POST(path+"/test", nil).Want(http.StatusAccepted) }

		to.says(http.StatusInternalServerError, strings.Repeat("x", 3000)+"\x00")
		test()
		failed := delivery(t, key, path, "pending", 1)
		if len(failed.String("data.0.response_body")) != 1024 || failed.Get("data.0.response_status") != float64(500) || failed.String("data.0.error") == "" {
			t.Errorf("after 500: %s", failed.Body)
		}
		if since := key.GET(path).Want(http.StatusOK).String("failing_since"); since == "" {
			t.Error("nothing says that it fails")
		}
		a.Advance(4 * time.Second)
		if got := key.GET(path + "/deliveries").Want(http.StatusOK).Get("data.0.attempts"); got != float64(1) {
			t.Errorf("tried again too early: %v", got)
		}
		a.Advance(2 * time.Second)
		delivery(t, key, path, "pending", 2)
		to.says(http.StatusOK, "well")
		a.Advance(6 * time.Minute)
		if well := delivery(t, key, path, "delivered", 3); well.String("data.0.response_body") != "well" || well.String("data.0.error") != "" {
			t.Errorf("in the end: %s", well.Body)
		}
		if since := key.GET(path).Want(http.StatusOK).Get("failing_since"); since != nil {
			t.Errorf("it fails since %v", since)
		}

		// A redirect leads nowhere.
		elsewhere := newEndpoint(t)
		to.answers(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		})
		test()
		if led := delivery(t, key, path, "pending", 1); led.String("data.0.error") != "redirects are not followed" || len(elsewhere.all()) != 0 {
			t.Errorf("a redirect: %s", led.Body)
		}

		// An answer that does not end is read to its first KB.
		to.answers(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("y", 1<<10)); err != nil {
					return
				}
			}
		})
		test()
		if endless := delivery(t, key, path, "delivered", 1); endless.String("data.0.response_body") != strings.Repeat("y", 1<<10) {
			t.Errorf("an endless answer: %s", endless.Body)
		}

		// A failure long after another says nothing about the days between.
		to.says(http.StatusServiceUnavailable, "")
		test()
		delivery(t, key, path, "pending", 1)
		first := key.GET(path).Want(http.StatusOK).String("failing_since")
		a.Advance(5*24*time.Hour + time.Minute)
		delivery(t, key, path, "pending", 2)
		if got := key.GET(path).Want(http.StatusOK); got.String("status") != "enabled" || got.String("failing_since") <= first {
			t.Errorf("failing since %s, after days without an attempt: %s", first, got.Body)
		}

		// Five days of failures disable it, and operators hear of it.
		for attempts := 3; attempts < 7; attempts++ {
			a.Advance(24 * time.Hour)
			delivery(t, key, path, "pending", attempts)
		}
		a.Advance(24*time.Hour + time.Minute)
		if !apptest.Eventually(func() bool { return key.GET(path).Want(http.StatusOK).String("status") == "disabled" }) {
			t.Fatal("it is not disabled")
		}
		if got := key.GET(path).Want(http.StatusOK); got.String("disabled_reason") != "failing" {
			t.Errorf("disabled: %s", got.Body)
		}
		if letter := a.WaitMail(t, "operator@gmail.com", 1); !strings.Contains(letter.Text, "webhook") || strings.Contains(letter.Text, "token=secret") {
			t.Errorf("operators read %s", letter.Text)
		}
		key.POST(path+"/test", nil).WantProblem(http.StatusConflict, "webhook_disabled")
		key.POST(path+"/replay", object{"since": "2020-01-01T00:00:00Z"}).WantProblem(http.StatusConflict, "webhook_disabled")

		// What waited comes once it is enabled again. 410 is for good.
		to.says(http.StatusGone, "")
		key.PATCH(path, object{"status": "enabled"}).Want(http.StatusOK)
		a.Advance(23 * time.Hour)
		delivery(t, key, path, "failed", 8)
		if !apptest.Eventually(func() bool {
			return key.GET(path).Want(http.StatusOK).String("disabled_reason") == "gone"
		}) {
			t.Error("a receiver that is gone is not disabled")
		}
	})
}

// Each replica delivers what any of them has committed: nothing is lost with the one that
// dies between commit and delivery, and nothing comes twice while both are well.
func TestWebhooksOfReplicas(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op, to := operator(t, a), newEndpoint(t)
		newWebhook(t, op, object{"url": to.URL, "types": []string{"session.created"}})
		b := apptest.StartAt(t, a.DatabaseURL(), "LATCHKEY_PUBLIC_URL="+a.URL)
		const people = 6
		for i := range people {
			on := []*apptest.App{a, b}[i%2]
			on.Browser().Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		}
		operators := me(op)
		came := func() (out []pushed) {
			for _, p := range to.all() {
				if p.Data["user_id"] != operators { // who signed in before
					out = append(out, p)
				}
			}
			return out
		}
		if !apptest.Eventually(func() bool { return len(came()) >= people }) {
			t.Fatalf("%d deliveries came", len(came()))
		}
		a.StopWork()
		a.Browser().Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		if !apptest.Eventually(func() bool { return len(came()) > people }) {
			t.Fatal("what was left by the replica that stopped did not come")
		}
		got, ids := came(), map[string]bool{}
		for _, p := range got {
			ids[p.ID] = true
		}
		if len(ids) != people+1 || len(got) != people+1 {
			t.Errorf("%d deliveries of %d events, want %d", len(got), len(ids), people+1)
		}
	})
}

func TestWebhooksRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		_, reader := newKey(t, op, "admin:read")
		person := google(t, a, apptest.Person{Email: "ada@gmail.com"})
		path, _ := newWebhook(t, op, object{"url": "https://app.example.com/in"})
		for _, body := range []object{
			{}, {"url": ""}, {"url": "ftp://app.example.com"}, {"url": "https://"}, {"url": "/in"}, {"url": "https://ada:pw@app.example.com"}, {"url": "http://app.example.com"},
			{"url": "https://app.example.com/#a"}, {"url": "https://app.example.com", "types": []string{"user.gone"}}, {"url": "https://app.example.com", "status": "disabled"},
			{"url": "https://app.example.com", "description": strings.Repeat("x", 201)},
		} {
			op.POST("/v1/admin/webhooks", body).WantProblem(http.StatusBadRequest, "invalid_request")
		}
		op.PATCH(path, object{"url": "http://app.example.com"}).WantProblem(http.StatusBadRequest, "invalid_request")
		op.PATCH(path, object{"status": "gone"}).WantProblem(http.StatusBadRequest, "invalid_request")
		for _, body := range []object{{}, {"delivery": "x"}, {"delivery": me(op), "since": "2026-01-01T00:00:00Z"}} {
			op.POST(path+"/replay", body).WantProblem(http.StatusBadRequest, "invalid_request")
		}
		op.POST(path+"/replay", object{"delivery": me(op)}).WantProblem(http.StatusNotFound, "not_found")
		op.GET("/v1/admin/webhooks/"+me(op)+"/deliveries").WantProblem(http.StatusNotFound, "not_found")
		if got := op.GET("/v1/admin/webhooks").Want(http.StatusOK); got.Len("data") != 1 || got.String("data.0.url") != "https://app.example.com/in" {
			t.Errorf("what was refused changed something: %s", got.Body)
		}
		person.GET("/v1/admin/webhooks").WantProblem(http.StatusForbidden, "operator_required")
		person.POST("/v1/admin/webhooks", object{"url": "https://app.example.com"}).WantProblem(http.StatusForbidden, "operator_required")
		reader.GET(path).Want(http.StatusOK)
		reader.POST(path+"/test", nil).WantProblem(http.StatusForbidden, "insufficient_scope")
		a.Advance(time.Hour)
		op.POST("/v1/admin/webhooks", object{"url": "https://app.example.com"}).WantProblem(http.StatusForbidden, "reauth_required")
		op.DELETE(path).WantProblem(http.StatusForbidden, "reauth_required")
	})
}
