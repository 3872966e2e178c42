package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/internal/tracing"
)

// startSpan begins the trace of a request, if there are traces. Instrumentation for Gin
// that others wrote would put paths, addresses and user agents of people into it.
func (s *Server) startSpan(c *gin.Context, info *requestInfo) (context.Context, tracing.Span) {
	ctx := c.Request.Context()
	if s.Tracer == nil {
		return ctx, tracing.Span{}
	}
	name, route := methodOf(c.Request), c.FullPath()
	if route != "" {
		name += " " + route
	}
	ctx, span := tracing.Server(ctx, s.Tracer, name, c.Request.Header)
	if span.Recording() {
		span.Set(tracing.String("http.request.method", methodOf(c.Request)), tracing.String("http.route", route),
			tracing.String("url.scheme", s.Config.PublicURL.Scheme), tracing.String("server.address", s.Config.PublicURL.Hostname()),
			tracing.String("latchkey.request_id", info.id))
	}
	return ctx, span
}

// endSpan ends the trace of a request. Refusals are the client's, and no failure of ours.
func endSpan(span tracing.Span, status int, info *requestInfo) {
	if span.Recording() {
		span.Set(tracing.Int("http.response.status_code", status))
		if info.err != nil {
			span.Set(tracing.String("latchkey.error_code", string(refusal(info.err).Code)))
		}
		if status >= http.StatusInternalServerError {
			span.Fail(strconv.Itoa(status))
		}
	}
	span.End()
}

// methodOf is the method, or _OTHER for one that a client made up, as the semantic
// conventions for HTTP have it.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return "_OTHER"
}
