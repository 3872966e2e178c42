package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Nothing that a client makes up is a label of a metric: after each kind of
// request was seen once, more of the kind add no series.
func TestClientsMakeNoSeries(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	series := func() map[string]bool {
		answer := httptest.NewRecorder()
		a.Metrics.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		out := map[string]bool{}
		for line := range strings.Lines(answer.Body.String()) {
			if name, _, ok := strings.Cut(line, "} "); ok && strings.HasPrefix(name, "latchkey_") {
				out[name] = true
			}
		}
		return out
	}
	round := func(i int) {
		b := a.Browser().With("User-Agent", fmt.Sprintf("agent-%d", i))
		made := fmt.Sprintf("M%d", i)
		b.Do(made, "/v1/me", nil)
		b.Do(made, "/", nil)
		b.Do(made, "/dev/"+made, nil)
		b.GET("/" + made)
		b.GET("/v1/" + made)
		b.GET("/v1/auth/" + made + "/start")
		b.GET("/v1/auth/" + made + "/callback?error=" + made + "&state=" + made)
		b.GET("/v1/teams/" + made)
		b.GET("/v1/auth/google/callback?error=" + made + "&state=" + made)
		b.POST("/v1/auth/siwe/verify", map[string]any{"message": made, "signature": "0x"})
		b.POST("/v1/auth/email/verify", map[string]any{"token": made})
		b.Do(http.MethodOptions, "/"+made, nil)
	}
	round(0)
	a.CountFigures()
	before := series()
	for i := range 20 {
		round(i + 1)
	}
	for name := range series() {
		if !before[name] {
			t.Errorf("a client made the series %s}", name)
		}
	}
	if len(before) == 0 {
		t.Error("no series at all")
	}
}
