package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	firstPause = time.Second
	maxPause   = 5 * time.Second
	maxAnswer  = 4 << 10 // bytes that are read of an answer
)

// exporter sends spans. It implements sdktrace.SpanExporter.
type exporter struct {
	settings
	log     *slog.Logger
	sleep   func(context.Context, time.Duration) error
	failing atomic.Bool
}

func (e *exporter) endpoint() string {
	u, err := url.Parse(e.url)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// ExportSpans implements sdktrace.SpanExporter. Traces that cannot be sent are lost, and
// logged once; nothing else of the service waits for them.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	err := e.send(ctx, spans)
	switch {
	case err == nil && e.failing.Swap(false):
		e.log.Info("traces are sent again", "endpoint", e.endpoint())
	case err != nil && !e.failing.Swap(true):
		e.log.Warn("traces are lost: they could not be sent", "endpoint", e.endpoint(), "error", err)
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

func (e *exporter) send(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	body, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: resourceSpans(spans)})
	if err != nil {
		return err
	}
	if e.gzip {
		var small bytes.Buffer
		w := gzip.NewWriter(&small)
		if _, err := w.Write(body); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		body = small.Bytes()
	}
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		wait, err := e.post(ctx, body)
		if err == nil || wait < 0 {
			return err
		}
		if e.sleep(ctx, max(wait, pause)) != nil {
			return err
		}
	}
}

// post sends once. After a failure it returns how long to wait before the next time at
// least; less than 0 if there should be none.
func (e *exporter) post(ctx context.Context, body []byte) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	for name, value := range e.headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if e.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := e.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // its text has the URL, in which a key may be
			err = wrapped.Err
		}
		return 0, err
	}
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer)
	_ = res.Body.Close()
	if res.StatusCode < http.StatusMultipleChoices {
		return 0, nil
	}
	err = fmt.Errorf("the status is %d", res.StatusCode)
	switch res.StatusCode { // https://opentelemetry.io/docs/specs/otlp/#failures-1
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		n, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return time.Duration(max(n, 0)) * time.Second, err
	}
	return -1, err
}
