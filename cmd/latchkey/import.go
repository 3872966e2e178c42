package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/storage"
)

// errPartly is the error of an import that left rows out, which the report names.
var errPartly = errors.New("some rows were left out: see the report")

type importFlags struct {
	from, source, name, mapFile, reportFile string
	trust, providers                        []string
	settings                                importer.Settings
	options                                 importer.Options
}

// newImportCommand imports the users of another system.
func newImportCommand() *cobra.Command {
	f := importFlags{options: importer.Options{Now: identity.SystemClock}}
	cmd := &cobra.Command{
		Use: "import", Short: "Import the users of another system; safe to re-run", Args: cobra.NoArgs,
		Long: "Import the users of Auth.js, Better Auth, Supabase, Clerk, Auth0, Firebase or a CSV file; safe to re-run.\n" +
			"Exits with 0 if everything went in, 3 if some rows were left out, which the report names, and 1 if it failed.",
		RunE: withDB(f.run),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", strings.Join(importer.Systems(), ", "))
	flags.StringVar(&f.source, "source", "", "postgres://..., mysql://..., sqlite://path, or an exported file or folder; it is only read")
	flags.StringVar(&f.name, "name", "", "a name for this source, if there are several of one kind (default: the value of --from)")
	flags.StringVar(&f.settings.Schema, "schema", "", "the schema of the tables (default: that of the URL)")
	flags.StringVar(&f.settings.TablePrefix, "table-prefix", "", "the prefix of the names of tables, such as myapp_ (default: found out)")
	flags.StringSliceVar(&f.settings.Metadata, "metadata", nil, "columns of users that become app_metadata, comma separated")
	flags.StringSliceVar(&f.trust, "trust", nil, "providers whose accounts vouch for unverified addresses, such as google,github or okta=acme.com")
	flags.BoolVar(&f.options.Trust.Addresses, "trust-addresses", false, "take every address of the source for verified")
	flags.StringArrayVar(&f.providers, "provider", nil, "what a provider of the source is here: NAME=PROVIDER, such as azure-ad=oidc:microsoft; may be repeated")
	flags.BoolVar(&f.options.KeepIDs, "keep-ids", false, "users and teams keep ids that are UUIDs")
	flags.StringVar(&f.mapFile, "map", "", "write a CSV file with the old and the new id of every user of this source")
	flags.StringVar(&f.reportFile, "report", "", "write a CSV file with every row that the report is about")
	flags.BoolVar(&f.options.Update, "update", false, "take over sign-in methods, addresses, bans, members and invitations that came since the last import")
	flags.BoolVar(&f.options.DryRun, "dry-run", false, "read, check and report without keeping anything")
	flags.IntVar(&f.options.Batch, "batch", 500, "users in one transaction")
	cmd.MarkFlagsMutuallyExclusive("map", "dry-run")
	for _, flag := range []string{"from", "source"} {
		cobra.CheckErr(cmd.MarkFlagRequired(flag))
	}
	return cmd
}

// importMemory is how much memory Go may use before it collects garbage more often: an
// import is the same batch over and over, whatever the number of users.
const importMemory = 64 << 20

func (f *importFlags) run(cmd *cobra.Command, _ []string, db *storage.DB) (err error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(importMemory))
	}
	trust, err := importer.ParseTrust(f.trust)
	if err != nil {
		return err
	}
	trust.Addresses = f.options.Trust.Addresses
	o := f.options
	o.Trust = trust
	if o.Providers, err = importer.ParseProviders(f.providers); err != nil {
		return err
	}
	o.Origin = cmp.Or(f.name, f.from)
	if err := migrateNew(cmd, db); err != nil {
		return err
	}
	if config.HasSecret(os.Environ()) {
		leaving, err := newLeaving(db)
		if err != nil {
			return err
		}
		o.Erased = leaving.HashesOfErased
	}
	o.Progress = &importer.Progress{Out: cmd.ErrOrStderr(), Terminal: isTerminal(cmd.ErrOrStderr()), Now: time.Now}
	src, err := importer.Open(cmd.Context(), f.from, f.source, f.settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	closeReport, err := f.eachTo(&o)
	if err != nil {
		return err
	}
	report, err := importer.Run(cmd.Context(), db, src, o)
	err = errors.Join(err, closeReport(), report.Write(cmd.OutOrStdout()))
	if err != nil {
		return err
	}
	if f.mapFile != "" {
		if err := writeMap(cmd.Context(), db, o.Origin, f.mapFile); err != nil {
			return fmt.Errorf("--map: %w", err)
		}
	}
	if report.Left() > 0 {
		return errPartly
	}
	return nil
}

// migrateNew gives a database without a schema one. An older schema is the operator's
// to migrate: other replicas may be running.
func migrateNew(cmd *cobra.Command, db *storage.DB) error {
	status, err := db.MigrationStatus(cmd.Context())
	if err != nil {
		return err
	}
	pending := 0
	for _, m := range status {
		if !m.Applied {
			pending++
		}
	}
	switch pending {
	case 0:
		return nil
	case len(status):
		_, err := db.Migrate(cmd.Context())
		return err
	}
	return errors.New("migrations are pending: run latchkey migrate up first")
}

// eachTo writes every line of the report to the file of --report.
func (f *importFlags) eachTo(o *importer.Options) (done func() error, err error) {
	if f.reportFile == "" {
		return func() error { return nil }, nil
	}
	out, err := os.OpenFile(f.reportFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--report: %w", err)
	}
	w := csv.NewWriter(out)
	if err := w.Write([]string{"outcome", "reason", "id", "line", "column", "value"}); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	o.Each = func(e importer.Entry) error {
		outcome, line := "note", ""
		if e.Skipped {
			outcome = "left out"
		}
		if e.Line > 0 {
			line = strconv.Itoa(e.Line)
		}
		return w.Write([]string{outcome, e.Reason, e.ID, line, e.Column, e.Value})
	}
	return func() error {
		w.Flush()
		return errors.Join(w.Error(), out.Close())
	}, nil
}

// writeMap writes who the users of a source are here, survivors in place of merged
// ones. The file is there whole or not at all.
func writeMap(ctx context.Context, db *storage.DB, origin, path string) error {
	out, err := os.CreateTemp(filepath.Dir(path), ".latchkey-map-*") // readable by the owner only
	if err != nil {
		return err
	}
	err = errors.Join(importer.WriteMap(ctx, db, origin, out), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}

// isTerminal reports whether a person sees what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
