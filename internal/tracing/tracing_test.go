package tracing

import (
	"net/http"
	"testing"
)

// What is not traced costs no memory.
func TestNothingIsAllocatedWithoutTrace(t *testing.T) {
	ctx := t.Context()
	var sent http.Request
	sent = *sent.WithContext(ctx)
	through := Transport(nothing{})
	for what, do := range map[string]func(){
		"a part":      func() { _, s := Start(ctx, "part"); s.End() },
		"a statement": func() { Statement{Text: "SELECT 1"}.Record(ctx) },
		"a request":   func() { _, _ = through.RoundTrip(&sent) },
		"a log line":  func() { IDs(ctx) },
	} {
		if n := testing.AllocsPerRun(100, do); n > 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

type nothing struct{}

func (nothing) RoundTrip(*http.Request) (*http.Response, error) { return nil, nil }
