package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/api"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/demo"
	"github.com/latchkey/latchkey/internal/erased"
	"github.com/latchkey/latchkey/internal/logging"
	"github.com/latchkey/latchkey/internal/metrics"
	"github.com/latchkey/latchkey/internal/tracing/otlp"
	"github.com/latchkey/latchkey/storage"
)

const (
	sweepEvery = 10 * time.Minute
	// Ended sessions stay visible to team admins for a while.
	keepEndedSessions = 30 * 24 * time.Hour
)

func newServeCommand() *cobra.Command {
	var dev, allowRemote, demonstrate bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API and the web app",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(os.Environ(), dev, config.AllowRemoteDev(allowRemote))
			if err != nil {
				return err
			}
			stop, hup := make(chan os.Signal, 2), make(chan os.Signal, 1)
			signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
			signal.Notify(hup, syscall.SIGHUP)
			return serve(cmd.Context(), cfg, demonstrate, signals{stop: stop, hangup: hup, load: func() (config.Config, error) {
				now, err := config.Load(os.Environ(), dev, config.AllowRemoteDev(allowRemote))
				if dev && now.Secret != cfg.Secret && !config.HasSecret(os.Environ()) {
					now.Secret = cfg.Secret // made at the start
				}
				return now, err
			}})
		},
	}
	devFlags(cmd, &dev, &allowRemote, "development mode: stand-ins for the providers, a test wallet, loopback only")
	cmd.Flags().BoolVar(&demonstrate, "demo", false, "with --dev, fill the database with people, teams and a month of sign-ins, and print addresses to sign in with")
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if demonstrate && !dev {
			return errors.New("--demo is for development mode: add --dev, or leave it out")
		}
		return check(cmd, args)
	}
	return cmd
}

// devFlags adds the flags of development mode to a command.
func devFlags(cmd *cobra.Command, dev, allowRemote *bool, usage string) {
	cmd.Flags().BoolVar(dev, "dev", false, usage)
	cmd.Flags().BoolVar(allowRemote, "dev-allow-remote", false,
		"with --dev, listen beyond loopback and answer to any host name: everybody who reaches it can sign in as anybody")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *allowRemote && !*dev {
			return errors.New("--dev-allow-remote is for development mode: add --dev, or leave it out")
		}
		return nil
	}
}

// signals are what an operator tells a process that serves.
type signals struct {
	stop   <-chan os.Signal // once to drain, once more not to wait for that
	hangup <-chan os.Signal
	load   func() (config.Config, error) // the configuration as it is now
}

// serve runs until a signal stops it, then lets requests in flight finish.
func serve(ctx context.Context, cfg config.Config, demonstrate bool, received signals) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log := logging.New(os.Stderr, cfg.LogFormat, cfg.LogLevel)
	for _, w := range cfg.Warnings() {
		log.Warn(w)
	}
	tuneCollector()
	traces, err := otlp.FromEnvironment(os.Getenv, version(), log)
	if err != nil {
		return err
	}
	defer closeTraces(ctx, traces)
	var options []storage.Option
	if traces != nil {
		log.Info("sending traces", "endpoint", traces.Endpoint)
		options = append(options, storage.Traced())
	}
	db, err := openDatabase(ctx, cfg, options...)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // all requests have been answered by then
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("LATCHKEY_LISTEN: %w", err)
	}
	defer func() { _ = listener.Close() }()
	address := listener.Addr().String()
	shown, trail := metrics.New(), audit.NewService(db)
	handler, err := newService(ctx, app.Parts{Config: cfg.ListeningAt(address), DB: db, Metrics: shown, Tracer: traces.Tracer(), Log: log, Now: identity.SystemClock, Demo: demonstrate, Version: version()})
	if err != nil {
		return err
	}

	server := api.NewHTTPServer(cfg.Listen, handler, log)
	failed := make(chan error, 4)
	go func() { failed <- server.Serve(listener) }()
	stopMetrics, err := serveMetrics(cfg, shown, log, failed)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	defer stopMetrics()
	stopProfiles, err := serveProfiles(cfg, log, failed)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	defer stopProfiles()
	var background sync.WaitGroup
	migrated := make(chan struct{})
	background.Go(func() {
		if err := migrateOnStart(ctx, db, log); err != nil {
			failed <- err
			return
		}
		if demonstrate {
			if err := demo.Seed(ctx, db, identity.SystemClock()); err != nil {
				failed <- fmt.Errorf("--demo: %w", err)
				return
			}
		}
		close(migrated)
	})
	begun := migrated
	for running := true; running; {
		select {
		case <-begun:
			begun = nil
			background.Go(func() { sweep(ctx, db, shown, time.Duration(cfg.AuditIPDays)*24*time.Hour, log) })
			background.Go(func() { seal(ctx, trail, sealEvery, log) })
			if dir := cfg.AuditArchiveDir; dir != "" {
				background.Go(func() { erased.NewFile(db, dir).Run(ctx, log) })
			}
			background.Go(func() {
				archiver := audit.NewArchiver(db, cfg.AuditArchiveDir, identity.SystemClock)
				archive(ctx, archiver, time.Duration(cfg.AuditRetention), archiveEvery, log)
			})
			handler.begin()
			welcome(cfg.ListeningAt(address), address, log)
			if people := handler.current.Load().Demo; people != nil {
				for _, role := range demo.Roles {
					fmt.Fprintf(os.Stderr, "demo: %s %s\n", role, people.URL(role))
				}
			}
		case <-received.hangup:
			handler.hangup(ctx, func() (config.Config, error) {
				now, err := received.load()
				return now.ListeningAt(address), err
			}, log)
		case err = <-failed:
			running = false
		case <-received.stop:
			drain(ctx, cfg, handler, received.stop, log)
			running = false
		case <-ctx.Done():
			running = false
		}
	}
	shutdown, done := context.WithTimeout(context.WithoutCancel(ctx), cfg.ShutdownTimeout)
	defer done()
	handler.end()
	cancel()
	err = errors.Join(err, server.Shutdown(shutdown))
	background.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// drain says by /readyz that requests should go elsewhere, and goes on answering
// until load balancers have noticed.
func drain(ctx context.Context, cfg config.Config, s *service, again <-chan os.Signal, log *slog.Logger) {
	s.draining.Store(true)
	log.Info("stopping", "delay", time.Duration(cfg.DrainDelay), "timeout", cfg.ShutdownTimeout)
	select {
	case <-time.After(time.Duration(cfg.DrainDelay)):
	case <-again:
	case <-ctx.Done():
	}
}

// welcome says that and where Latchkey runs.
func welcome(cfg config.Config, address string, log *slog.Logger) {
	log.Info("serving", "public_url", cfg.PublicURL.String(), "listen", address, "database", cfg.Engine(), "dev", cfg.Dev)
	if !cfg.Dev {
		return
	}
	mailTo := cfg.PublicURL.String() + "/dev/mail only"
	if cfg.MailEnabled() {
		mailTo = "its recipients, by " + cfg.SMTPURL.String()
	}
	fmt.Fprintf(os.Stderr, devBanner, cfg.PublicURL.String(), mailTo)
}

// closeTraces sends what is left of the traces.
func closeTraces(ctx context.Context, traces *otlp.Traces) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	_ = traces.Close(ctx) // what is lost was logged
}

// tuneCollector lets the heap grow to three times its live size before it is
// collected. The live heap is small, and requests get the time. GOGC takes
// precedence.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}

const devBanner = `
  Latchkey runs at %[1]s  (development mode: anyone can sign in as anyone)
  Mail goes to %[2]s

  Try: 1. sign in with the test wallet
       2. on the account page, link Google: choose any account on the stand-in
       3. create a team, invite a second person, start a team session, see and end sessions

`

// serveMetrics serves Prometheus metrics on a port of their own. If the default
// port is taken, by another instance perhaps, it warns and the service runs on.
func serveMetrics(cfg config.Config, shown *metrics.Metrics, log *slog.Logger, failed chan<- error) (stop func(), err error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", shown.Handler())
	stop, err = serveBeside(cfg.MetricsListen, mux, log, failed)
	if err == nil {
		return stop, nil
	}
	if cfg.MetricsListenSet {
		return nil, fmt.Errorf("LATCHKEY_METRICS_LISTEN: %w", err)
	}
	log.Warn("metrics are off: the default port is in use; set LATCHKEY_METRICS_LISTEN to another address, or to off", "error", err)
	return func() {}, nil
}

// serveProfiles serves what net/http/pprof does, on a loopback port of its own.
func serveProfiles(cfg config.Config, log *slog.Logger, failed chan<- error) (stop func(), err error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	if stop, err = serveBeside(cfg.DebugListen, mux, log, failed); err != nil {
		return nil, fmt.Errorf("LATCHKEY_DEBUG_LISTEN: %w", err)
	}
	return stop, nil
}

// serveBeside serves h on an address of its own; nothing for "".
func serveBeside(address string, h http.Handler, log *slog.Logger, failed chan<- error) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	server := api.NewHTTPServer(address, h, log)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return func() { _ = server.Close() }, nil
}

// suspensionsAtOnce bounds a transaction that ends suspensions.
const suspensionsAtOnce = 100

// sweep deletes expired rows, ends suspensions that are over and forgets network
// addresses of the audit trail after a time, until ctx ends.
func sweep(ctx context.Context, db *storage.DB, shown *metrics.Metrics, keepNetworks time.Duration, log *slog.Logger) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		now := identity.SystemClock()
		n, err := db.Sweep(ctx, now, now.Add(-keepEndedSessions))
		if ctx.Err() == nil {
			shown.Swept(n, identity.SystemClock(), err)
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("could not delete expired rows", "error", err)
		} else if n > 0 {
			log.Info("deleted expired rows", "rows", n)
		}
		if n, err := db.ForgetNetworks(ctx, now.Add(-keepNetworks)); err != nil && ctx.Err() == nil {
			log.Warn("could not forget network addresses of the audit trail", "error", err)
		} else if n > 0 {
			log.Info("forgot network addresses of the audit trail", "events", n)
		}
		for again := true; again; {
			n, err := db.EndSuspensions(ctx, now, suspensionsAtOnce)
			if err != nil && ctx.Err() == nil {
				log.Warn("could not end suspensions that are over", "error", err)
			} else if n > 0 {
				log.Info("ended suspensions that are over", "users", n)
			}
			again = err == nil && n == suspensionsAtOnce
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
