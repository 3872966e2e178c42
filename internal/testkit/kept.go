package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"
)

// keptFor is how long a folder is kept after it was made: a change of what it is made
// from makes another.
const keptFor = 14 * 24 * time.Hour

// Kept returns a folder that build has filled, in this process or in one before: it is
// in the user's cache, by a key that must say all that it is made from. It must not be
// written to. Processes that need it at once for the first time each build it, and one
// of them keeps it.
func Kept(key string, build func(dir string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "latchkey-tests")
	sum := sha256.Sum256([]byte(key))
	kept := filepath.Join(cache, hex.EncodeToString(sum[:16]))
	if _, err := os.Stat(kept); err == nil {
		return kept, nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	forget(cache)
	dir, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := build(dir); err != nil {
		return "", err
	}
	if err := os.Rename(dir, kept); err != nil {
		if _, there := os.Stat(kept); there != nil {
			return "", err
		}
	}
	return kept, nil
}

func forget(cache string) {
	entries, _ := os.ReadDir(cache)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > keptFor {
			_ = os.RemoveAll(filepath.Join(cache, entry.Name()))
		}
	}
}
