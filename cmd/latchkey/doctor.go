package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/doctor"
	"github.com/latchkey/latchkey/internal/ratelimit"
	"github.com/latchkey/latchkey/internal/tracing/otlp"
	"github.com/latchkey/latchkey/storage"
)

func newDoctorCommand() *cobra.Command {
	var dev, allowRemote bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check the configuration and what it points to, and say how to fix it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return examine(cmd, dev, config.AllowRemoteDev(allowRemote))
		},
	}
	devFlags(cmd, &dev, &allowRemote, "check the configuration for `serve --dev`")
	return cmd
}

func examine(cmd *cobra.Command, dev bool, opts ...config.Option) error {
	cfg, err := config.Load(os.Environ(), dev, opts...)
	var results []doctor.Result
	if problems, ok := errors.AsType[*config.Error](err); ok {
		results = doctor.Unusable(problems)
	} else {
		deps := doctor.Deps{
			OpenDatabase: openForDoctor,
			// Providers and RPC endpoints are called without a proxy, so doctor does too.
			HTTP:       &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true}},
			PingRedis:  ratelimit.Ping,
			Traces:     func(ctx context.Context) (string, error) { return otlp.Check(ctx, os.Getenv) },
			LookupHost: net.DefaultResolver.LookupHost,
			Now:        time.Now,
		}
		if config.HasSecret(os.Environ()) { // or it is made at each start
			deps.Sealed = sealedForDoctor
		}
		results = doctor.Run(cmd.Context(), cfg, deps)
	}
	failed, err := doctor.Print(cmd.OutOrStdout(), results)
	if err == nil && failed {
		err = errReported
	}
	return err
}

func openForDoctor(ctx context.Context, cfg config.Config) (doctor.Database, error) {
	db, err := openDatabase(ctx, cfg, storage.Patient())
	if err != nil {
		return nil, err
	}
	return db, nil
}

func sealedForDoctor(ctx context.Context, cfg config.Config) (app.Sealed, error) {
	db, err := openDatabase(ctx, cfg, storage.Patient())
	if err != nil {
		return app.Sealed{}, err
	}
	s, err := app.CheckSealed(ctx, cfg, db, identity.SystemClock)
	return s, errors.Join(err, db.Close())
}
