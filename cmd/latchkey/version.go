package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/siwe"
)

// release is set by the linker where the build has no repository to read the
// version from, as in the container image.
var release string

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this binary", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), describe(release, info))
			return err
		},
	}
}

// version is that of this binary, such as v1.2.3 or development.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(release, info)
}

func versionOf(release string, info *debug.BuildInfo) string {
	switch {
	case release != "":
		return release
	case info.Main.Version == "" || info.Main.Version == "(devel)":
		return "development"
	}
	return info.Main.Version
}

// describe returns the version, the commit as far as the build knew it, and what
// recovers the keys of wallets.
func describe(release string, info *debug.BuildInfo) string {
	version := versionOf(release, info)
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	line := "latchkey " + version
	if commit := settings["vcs.revision"]; commit != "" {
		line += ", commit " + commit[:min(12, len(commit))]
		if settings["vcs.modified"] == "true" {
			line += " with changes"
		}
		line += " of " + settings["vcs.time"]
	}
	if info.GoVersion != "" {
		line += ", " + info.GoVersion
	}
	return line + ", " + siwe.Secp256k1
}
