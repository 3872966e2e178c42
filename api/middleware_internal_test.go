package api

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/internal/metrics"
)

// TestRequestInfoOf reads the request's state through each context that a handler
// can have, and through one that belongs to no request.
func TestRequestInfoOf(t *testing.T) {
	t.Parallel()
	s := &Server{Deps: Deps{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: metrics.New()}}
	engine := gin.New()
	engine.ContextWithFallback = true
	engine.Use(s.logRequest)
	engine.GET("/", func(c *gin.Context) {
		want := c.Writer.Header().Get("X-Request-Id")
		type other struct{}
		for name, ctx := range map[string]context.Context{
			"Gin's context":       c,
			"the request's":       c.Request.Context(),
			"one made from Gin's": context.WithValue(c, other{}, 1),
			"one made from the request's, not cancelled with it": context.WithoutCancel(c.Request.Context()),
		} {
			if got := requestInfoOf(ctx).id; got != want {
				t.Errorf("%s: request id %q, want %q", name, got, want)
			}
		}
	})
	engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))

	if info := requestInfoOf(t.Context()); info == nil || info.principal != nil || info.key != nil {
		t.Errorf("a context of no request: %+v, want nothing known", info)
	}
}
