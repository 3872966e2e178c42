package linking_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain draws fewer histories than rapid would: each is hundreds of
// transactions, on both engines. -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}
