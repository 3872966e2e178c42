//go:build unix && !linux

package testpg

// parent is where servers keep their data. It is not the usual temporary directory,
// which may be too long a path for a socket and closed to the user the server runs as.
func parent() string { return "/tmp" }
