package storagetest

import "errors"

// errTest is what a test's own function fails with.
var errTest = errors.New("the test wants this to fail")
