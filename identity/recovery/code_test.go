package recovery_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity/recovery"
)

func TestCodesAreGroupedAndDistinct(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}$`)
	seen := map[string]bool{}
	for range 200 {
		codes, hashes := recovery.NewCodes()
		if len(codes) != recovery.Count || len(hashes) != recovery.Count {
			t.Fatalf("%d codes, %d hashes", len(codes), len(hashes))
		}
		for i, code := range codes {
			if !shape.MatchString(code) || seen[code] {
				t.Fatalf("code %q", code)
			}
			seen[code] = true
			if hash, ok := recovery.Hash(code); !ok || !bytes.Equal(hash, hashes[i]) {
				t.Fatalf("the hash of %q is not the one to store", code)
			}
		}
	}
}

func TestTypedInManyWays(t *testing.T) {
	want, ok := recovery.Hash("01AB-CDEF-GH10-XYZ9") // of the length before
	if !ok {
		t.Fatal("the code itself")
	}
	if _, ok := recovery.Hash("01AB-CDEF-GH10-XYZ9-01AB-CDEF"); !ok {
		t.Error("a code of today")
	}
	for _, typed := range []string{
		"01abcdefgh10xyz9", "O1AB CDEF GHIO XYZ9", "oLab-cdef-ghl0-xyz9", "  01AB--CDEF - GHi0XYZ9 ",
	} {
		if got, ok := recovery.Hash(typed); !ok || !bytes.Equal(got, want) {
			t.Errorf("%q is read as another code", typed)
		}
	}
	for _, typed := range []string{
		"", "----", "01AB-CDEF-GH10-XYZ", "01AB-CDEF-GH10-XYZ99", "01AB-CDEF-GH10-XYZU", "01AB-CDEF-GH10-XYZ9-01AB", "01AB-CDEF-GH10-XYZ9-01AB-CDEF-0",
		"01AB_CDEF_GH10_XYZ9", "01AB-CDEF-GH10-XYZ\x00", "０1AB-CDEF-GH10-XYZ9", "01AB-CDEF-GH10-XYZ\xff", strings.Repeat("0", 1<<16),
	} {
		if _, ok := recovery.Hash(typed); ok {
			t.Errorf("%.30q passes for a code", typed)
		}
	}
	if other, _ := recovery.Hash("01AB-CDEF-GH10-XYZ8"); bytes.Equal(other, want) {
		t.Error("two codes share a hash")
	}
}
