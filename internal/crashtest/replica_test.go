//go:build unix

package crashtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/metrics"
)

// variable makes this test binary a replica of the service instead.
const variable = "LATCHKEY_TEST_REPLICA"

func TestMain(m *testing.M) {
	task := os.Getenv(variable)
	if task == "" {
		os.Exit(m.Run())
	}
	if err := serveOne(task); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// task is one request to a replica, and when that has to die.
type task struct {
	DatabaseURL string
	PublicURL   string
	Secret      string
	Now         time.Time
	Request     request
	KillAt      int // which point, from 1; 0 is none
}

type request struct {
	Method, Path, Body, Cookies string
}

// outcome is how a replica ended.
type outcome struct {
	Killed string // the point; "" when it has answered
	Points int
	// Of an answer:
	Status     int
	Header     http.Header
	Body       string
	Statements []string
}

// replica runs the service in a process of its own for one request.
func replica(t *testing.T, k task) outcome {
	t.Helper()
	raw, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+string(raw))
	var said, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &failed
	err = cmd.Run()
	var out outcome
	if err := json.Unmarshal(said.Bytes(), &out); err != nil {
		t.Fatalf("replica: %v: %s%s", err, said.Bytes(), failed.Bytes())
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	killed := ok && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	if killed != (out.Killed != "") || !killed && err != nil {
		t.Fatalf("replica ended with %v and said %s%s", err, said.Bytes(), failed.Bytes())
	}
	return out
}

// serveOne is the other side: it puts the service together as the binary does,
// over a tapped driver, and sends it one request.
func serveOne(raw string) error {
	var k task
	if err := json.Unmarshal([]byte(raw), &k); err != nil {
		return err
	}
	points := 0
	taps := &tap{point: func(what string) { // one at a time
		points++
		if points == k.KillAt {
			_ = json.NewEncoder(os.Stdout).Encode(outcome{Killed: what, Points: points})
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	cfg, err := config.Load([]string{
		"LATCHKEY_DATABASE_URL=" + k.DatabaseURL, "LATCHKEY_PUBLIC_URL=" + k.PublicURL, "LATCHKEY_SECRET=" + k.Secret,
	}, true)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := taps.open(ctx, k.DatabaseURL)
	if err != nil {
		return err
	}
	handler, err := app.New(app.Parts{
		Config: cfg, DB: db, Metrics: metrics.New(), Now: func() time.Time { return k.Now }, Context: ctx,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	r := httptest.NewRequestWithContext(ctx, k.Request.Method, k.PublicURL+k.Request.Path, strings.NewReader(k.Request.Body))
	r.Header.Set("Cookie", k.Request.Cookies)
	if k.Request.Body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer := httptest.NewRecorder()
	taps.watch(true)
	handler.ServeHTTP(answer, r)
	taps.watch(false)
	if err := db.Close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(outcome{
		Points: points, Status: answer.Code, Header: answer.Header(), Body: answer.Body.String(), Statements: taps.statements,
	})
}
