package testpg

import "syscall"

// parent is where servers keep their data: in memory if there is plenty of it. A
// database is about 700 files, and what a disk needs to make them and to remove them is
// a fifth of what the tests cost. Otherwise not the usual temporary directory, which may
// be too long a path for a socket and closed to the user the server runs as.
func parent() string {
	const memory, plenty = "/dev/shm", 8 << 30
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); !OnDisk && err == nil && s.Bavail*uint64(s.Bsize) >= plenty { //nolint:gosec // a size is not negative
		return memory
	}
	return "/tmp"
}
