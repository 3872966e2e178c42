package storage

import "testing"

// Only what a migration does counts.
func TestChecksum(t *testing.T) {
	t.Parallel()
	of := func(s string) string { return checksum([]byte(s)) }
	base := of("-- +goose Up\n-- why\nCREATE TABLE a (b text);\n\n-- +goose Down\nDROP TABLE a;\n")
	for _, same := range []string{
		"-- +goose Up\n-- another reason, it's clear\nCREATE TABLE a (b text); -- here\n-- +goose Down\nDROP TABLE a;\n",
		"-- +goose Up\nCREATE TABLE  a\n\t(b text);\n-- +goose Down\n-- nothing\n",
	} {
		if of(same) != base {
			t.Errorf("differs: %s", same)
		}
	}
	for _, other := range []string{
		"-- +goose Up\nCREATE TABLE a (b int);\n-- +goose Down\nDROP TABLE a;\n",
		"-- +goose Up\nCREATE TABLE a (b text DEFAULT '--');\n-- +goose Down\n",
	} {
		if of(other) == base {
			t.Errorf("is the same: %s", other)
		}
	}
	if of("-- +goose Up\nSELECT '-- a'; SELECT 1;") == of("-- +goose Up\nSELECT '-- b'; SELECT 1;") {
		t.Error("what is in quotes does not count")
	}
}
