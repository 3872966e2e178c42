package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/ratelimit"
	"github.com/latchkey/latchkey/storage"
)

// service is the app that requests are answered by. A reload puts another in its
// place, made of what the files of the configuration hold now.
type service struct {
	parts    app.Parts // but for the context
	draining atomic.Bool
	current  atomic.Pointer[running]
	begun    bool // what is behind requests has begun
}

// running is an app at work until stop.
type running struct {
	*app.App
	work       func()             // behind requests, until
	stop       context.CancelFunc // is called, which ends its streams too
	background sync.WaitGroup
}

// newService returns the service with its first app, which does nothing behind
// requests until begin.
func newService(ctx context.Context, parts app.Parts) (*service, error) {
	s := &service{parts: parts}
	s.parts.Draining = s.draining.Load
	s.parts.Limits = ratelimit.NewMemory(parts.Now) // for as long as the process lives
	first, err := s.start(ctx, parts.Config)
	if err != nil {
		return nil, err
	}
	s.current.Store(first)
	return s, nil
}

func (s *service) start(ctx context.Context, cfg config.Config) (*running, error) {
	parts := s.parts
	parts.Config = cfg
	r := &running{}
	parts.Context, r.stop = context.WithCancel(ctx)
	built, err := app.New(parts)
	if err != nil {
		r.stop()
		return nil, err
	}
	r.App, r.work = built, func() { built.Run(parts.Context) }
	return r, nil
}

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.current.Load().ServeHTTP(w, r)
}

// begin does what is to be done behind requests.
func (s *service) begin() {
	s.begun = true
	r := s.current.Load()
	r.background.Go(r.work)
}

// reload puts an app of another configuration in place of the present one.
// Requests in flight are answered by the old one.
func (s *service) reload(ctx context.Context, cfg config.Config) error {
	next, err := s.start(ctx, cfg)
	if err != nil {
		return err
	}
	s.parts.Config = cfg
	old := s.current.Swap(next)
	old.stop()
	if s.begun {
		old.background.Wait() // of those who listen to the database there is one
		s.begin()
	}
	return nil
}

// end stops the app, and returns when it has.
func (s *service) end() {
	r := s.current.Load()
	r.stop()
	r.background.Wait()
}

// hangup reads the files that the configuration names again, as operators expect
// of SIGHUP. What is wrong with them is logged, and changes nothing.
func (s *service) hangup(ctx context.Context, load func() (config.Config, error), log *slog.Logger) {
	s.parts.DB.Reload()
	cfg, err := load()
	switch {
	case err != nil:
		log.Error("not reloaded: the configuration is wrong", "error", err)
		return
	case cfg.Equal(s.parts.Config):
		log.Info("reloaded: nothing has changed")
		return
	}
	if err := s.reload(ctx, cfg); err != nil {
		log.Error("not reloaded", "error", err)
		return
	}
	log.Info("reloaded")
}

// migrateOnStart brings the schema up to date. Of replicas that start at once,
// one migrates. A database that is not there yet is waited for: until then
// requests get a 503, and /readyz too.
func migrateOnStart(ctx context.Context, db *storage.DB, log *slog.Logger) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		applied, err := db.Migrate(ctx)
		for _, m := range applied {
			log.Info("migrated", "version", m.Version, "name", m.Name)
		}
		var down interface{ Unavailable() bool }
		if err == nil || ctx.Err() != nil || !errors.As(err, &down) || !down.Unavailable() {
			return err
		}
		log.Warn("waiting for the database", "error", err, "next_try_in", wait)
		select {
		case <-ctx.Done():
			return fmt.Errorf("the database never became available: %w", err)
		case <-time.After(wait):
		}
	}
}
