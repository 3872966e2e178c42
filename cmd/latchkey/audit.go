package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/storage"
)

func newAuditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Verify and archive the audit trail"}
	cmd.AddCommand(newAuditVerifyCommand(), newAuditArchiveCommand(), newAuditReadCommand())
	return cmd
}

func newAuditVerifyCommand() *cobra.Command {
	var teamID, from, archive string
	var expect, files []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify that no event was removed, changed, inserted or reordered",
		Long: `Walks the chains of the audit trail and reports what is broken and where. It
prints the last hash of each chain: keep it elsewhere and pass it to --expect
later, to detect a chain that was rewritten completely. Kept in a file, the
output is also a checkpoint: --from walks on from there.

A chain whose old events were archived is walked from its checkpoint. With
--archive the files of the archive are walked first, and must lead there; hashes
that are expected may then be in them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := newVerification(cmd.OutOrStdout(), expect)
			if err != nil {
				return err
			}
			if err := v.readFrom(from); err != nil {
				return err
			}
			if len(files) > 0 {
				return v.files(cmd, files)
			}
			only, err := chainOf(teamID)
			if err != nil {
				return err
			}
			return withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error { return v.database(cmd, db, only, archive) })(cmd, args)
		},
	}
	cmd.Flags().StringVar(&teamID, "team", "", "only the chain of this team, or \"deployment\" for that of events without one")
	cmd.Flags().StringArrayVar(&expect, "expect", nil, "a hash that was printed or exported earlier and must still be in the trail; may be repeated")
	cmd.Flags().StringArrayVar(&files, "file", nil, "an export to verify instead of the database; - for standard input, a directory for all files of an archive; may be repeated, in order")
	cmd.Flags().StringVar(&archive, "archive", "", "the directory of the archive, to verify its files with the database")
	cmd.Flags().StringVar(&from, "from", "", "a file with what an earlier run printed: each chain is walked from where that run ended")
	cmd.MarkFlagsMutuallyExclusive("team", "file")
	cmd.MarkFlagsMutuallyExclusive("archive", "file")
	cmd.MarkFlagsMutuallyExclusive("archive", "team")
	return cmd
}

func chainOf(team string) (*identity.ID, error) {
	switch team {
	case "":
		return nil, nil
	case "deployment":
		return &audit.Deployment, nil
	}
	id, err := uuid.Parse(team)
	if err != nil {
		return nil, fmt.Errorf("--team: %w", err)
	}
	return &id, nil
}

// verification prints its findings as they come.
type verification struct {
	out    io.Writer
	broken int
	chains int
	expect map[string]bool
	from   map[identity.ID]audit.Head
	ends   map[identity.ID]audit.Head // of the archive, if it was walked
}

func newVerification(out io.Writer, expect []string) (*verification, error) {
	v := &verification{out: out, expect: map[string]bool{}}
	for _, e := range expect {
		e = strings.ToLower(e)
		if raw, err := hex.DecodeString(e); err != nil || len(raw) != len(audit.Genesis()) {
			return nil, errors.New("--expect: a hash has 64 hexadecimal digits")
		}
		v.expect[e] = true
	}
	return v, nil
}

// headLine is how report prints a head.
var headLine = regexp.MustCompile(`(?m)^head    (the deployment|team (\S+)): event (\d+), ([0-9a-f]{64})$`)

// readFrom reads what an earlier run printed. Only one that found everything whole
// is a checkpoint.
func (v *verification) readFrom(name string) error {
	if name == "" {
		return nil
	}
	text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	heads := headLine.FindAllStringSubmatch(string(text), -1)
	if len(heads) == 0 || strings.Contains(string(text), "BROKEN") {
		return fmt.Errorf("--from: %s is not the output of a run that found the trail whole", name)
	}
	v.from = map[identity.ID]audit.Head{}
	for _, line := range heads {
		h := audit.Head{Chain: audit.Deployment}
		if line[2] != "" {
			if h.Chain, err = uuid.Parse(line[2]); err != nil {
				return fmt.Errorf("--from: %w", err)
			}
		}
		if h.Seq, err = strconv.ParseInt(line[3], 10, 64); err != nil {
			return fmt.Errorf("--from: %w", err)
		}
		if h.Hash, err = hex.DecodeString(line[4]); err != nil {
			return fmt.Errorf("--from: %w", err)
		}
		v.from[h.Chain] = h
	}
	return nil
}

func (v *verification) report() audit.Report {
	return audit.Report{
		Expect: v.expect, From: v.from,
		Broken: func(b audit.Break) {
			v.broken++
			_, _ = fmt.Fprintf(v.out, "BROKEN  %s\n", b)
		},
		Whole: func(h audit.Head) {
			v.chains++
			_, _ = fmt.Fprintf(v.out, "head    %s: event %d, %x\n", audit.Name(h.Chain), h.Seq, h.Hash)
		},
		Archived: v.archived,
	}
}

func (v *verification) database(cmd *cobra.Command, db *storage.DB, only *identity.ID, archive string) error {
	if archive != "" {
		if err := v.archive(cmd.Context(), db, archive); err != nil {
			return err
		}
	}
	events, err := audit.NewService(db).Verify(cmd.Context(), only, v.report())
	if err != nil {
		return err
	}
	waiting, err := db.Backlog(cmd.Context())
	if err != nil {
		return err
	}
	if waiting.Events > 0 && only == nil {
		_, _ = fmt.Fprintf(v.out, "%d events are not chained yet; a running service chains them\n", waiting.Events)
		if waiting.HeldBy != "" {
			_, _ = fmt.Fprintf(v.out, "they wait for %s\n", waiting.HeldBy)
		}
	}
	return v.end(events)
}

func (v *verification) files(cmd *cobra.Command, names []string) error {
	walk := audit.NewFiles(v.report())
	events := 0
	for _, name := range names {
		n, err := eachFile(cmd, name, walk.Read)
		if events += n; err != nil {
			return err
		}
	}
	walk.End()
	return v.end(events)
}

// eachFile reads a file, standard input or the files of a directory.
func eachFile(cmd *cobra.Command, name string, read func(io.Reader) (int, error)) (events int, err error) {
	if name == "-" {
		return read(cmd.InOrStdin())
	}
	names := []string{name}
	if info, err := os.Stat(name); err != nil {
		return 0, err
	} else if info.IsDir() {
		if names, err = archiveFiles(name); err != nil {
			return 0, err
		}
	}
	for _, name := range names {
		f, err := os.Open(name) //nolint:gosec // the operator names the file
		if err != nil {
			return events, err
		}
		n, err := read(f)
		if events += n; err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return events, err
		}
	}
	return events, nil
}

func (v *verification) end(events int) error {
	for _, e := range slices.Sorted(maps.Keys(v.expect)) {
		v.broken++
		_, _ = fmt.Fprintf(v.out, "BROKEN  %s was in the trail before and is missing now\n", e)
	}
	if v.broken > 0 {
		_, _ = fmt.Fprintf(v.out, "%d events in %d chains: broken in %d places\n", events, v.chains, v.broken)
		return errReported
	}
	_, err := fmt.Fprintf(v.out, "%d events in %d chains: whole\n", events, v.chains)
	return err
}
