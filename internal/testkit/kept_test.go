package testkit

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

func TestKept(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	var built atomic.Int64
	build := func(dir string) error {
		built.Add(1)
		return os.WriteFile(filepath.Join(dir, "file"), []byte("whole"), 0o600)
	}
	if _, err := Kept("fails", func(string) error { return errors.New("no") }); err == nil {
		t.Error("a folder that could not be filled was kept")
	}
	Together(4, func(int) {
		dir, err := Kept("key", build)
		if err != nil {
			t.Error(err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "file")); string(text) != "whole" {
			t.Errorf("%q, %v", text, err)
		}
	})
	before := built.Load()
	old, err := Kept("key", build)
	if err != nil || built.Load() != before {
		t.Errorf("built again: %v", err)
	}
	long := time.Now().Add(-2 * keptFor)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	other, err := Kept("another key", build)
	if err != nil || other == old {
		t.Errorf("%s and %s: %v", old, other, err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("an old folder is kept for ever")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(other), "*")); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}
